# SPDX-License-Identifier: LGPL-2.1-or-later

group nodedev
  title Node Device
  order 9

command nodedev-create
  summary create a device on the host from an XML file
  make nodedev virNodeDeviceCreateXML flags
  done Node device %s created from %s
  fail Failed to create node device from %s
  use xml-file validate
  flag validate VIR_NODE_DEVICE_CREATE_XML_VALIDATE

command nodedev-destroy
  summary remove a device from the host
  act nodedev virNodeDeviceDestroy
  done Destroyed node device '%s'
  fail Failed to destroy node device '%s'
  option device string positional required complete=nodedev -- name of the device
  option-alias name device

command nodedev-detach
  summary take a device away from its host driver
  text So that it can be passed to a domain.
  alias nodedev-dettach
  handler cmd_nodedev_detach
  option device string positional required complete=nodedev -- name of the device
  option driver string also-positional -- driver that takes over the device

command nodedev-dumpxml
  summary print a host device as XML
  dump nodedev virNodeDeviceGetXMLDesc
  option device string positional required complete=nodedev -- name of the device
  option inactive bool flag=VIR_NODE_DEVICE_XML_INACTIVE -- the persistent definition rather than the running state
  use xpath wrap

command nodedev-list
  summary list devices of the host
  handler cmd_nodedev_list
  json nodedev-list
  option tree bool -- show a tree
  option cap string also-positional values=system,pci,usb_device,usb,net,scsi_host,scsi_target,scsi,storage,fc_host,vports,scsi_generic,drm,mdev_types,mdev,ccw,css,vdpa,ap_card,ap_queue,ap_matrix,ccwgroup -- only devices with these capabilities, separated by commas
  option inactive bool -- only inactive devices
  option all bool -- active and inactive devices
  option persistent bool flag=VIR_CONNECT_LIST_NODE_DEVICES_PERSISTENT -- only persistent devices
  option transient bool flag=VIR_CONNECT_LIST_NODE_DEVICES_TRANSIENT -- only transient devices

command nodedev-reattach
  summary give a device back to its host driver
  act nodedev virNodeDeviceReAttach
  done Device %s re-attached
  fail Failed to re-attach device %s
  option device string positional required complete=nodedev -- name of the device

command nodedev-reset
  summary reset a host device
  act nodedev virNodeDeviceReset
  done Device %s reset
  fail Failed to reset device %s
  option device string positional required complete=nodedev -- name of the device

command nodedev-event
  summary list kinds of events, or wait for host device events
  handler cmd_nodedev_event
  json event
  option device string also-positional complete=nodedev -- only events of this device
  option event string also-positional complete=event-nodedev -- kind of event to wait for
  option loop bool -- go on after the first event
  option timeout int also-positional -- seconds after which to give up
  option list bool -- list the kinds of events
  option timestamp bool -- show the time of each event

command nodedev-define
  summary define a host device from an XML file
  make nodedev virNodeDeviceDefineXML flags
  done Node device '%s' defined from '%s'
  fail Failed to define node device from '%s'
  use xml-file validate
  flag validate VIR_NODE_DEVICE_DEFINE_XML_VALIDATE
  use compare
  exclusive check diff

command nodedev-undefine
  summary delete the definition of a host device
  act nodedev virNodeDeviceUndefine flags
  done Undefined node device '%s'
  fail Failed to undefine node device '%s'
  option device string positional required complete=nodedev -- name of the device

command nodedev-start
  summary start a defined host device
  act nodedev virNodeDeviceCreate flags
  done Device %s started
  fail Failed to start device %s
  option device string positional required complete=nodedev -- name of the device

command nodedev-autostart
  summary let a defined host device start together with the host
  autostart nodedev virNodeDeviceSetAutostart
  option device string positional required complete=nodedev -- name of the device
  option disable bool -- don't start it automatically

command nodedev-info
  summary show basic facts about a host device
  handler cmd_nodedev_info
  json nodedev-info
  option device string positional required complete=nodedev -- name of the device

command nodedev-update
  summary change a host device by XML
  handler cmd_nodedev_update
  option device string positional required complete=nodedev -- name of the device
  use xml-file
  option config bool flag=VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG -- change the definition of the device
  option live bool flag=VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE -- change the active device
  use current
