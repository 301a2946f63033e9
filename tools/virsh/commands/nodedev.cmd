# SPDX-License-Identifier: LGPL-2.1-or-later

group nodedev
  title Node Device
  order 9

command nodedev-create
  summary create a device on the host from an XML file
  todo not written yet
  use xml-file validate

command nodedev-destroy
  summary remove a device from the host
  todo not written yet
  option device string positional required complete=nodedev -- name of the device
  option-alias name device

command nodedev-detach
  summary take a device away from its host driver
  text So that it can be passed to a domain.
  alias nodedev-dettach
  todo not written yet
  option device string positional required complete=nodedev -- name of the device
  option driver string also-positional -- driver that takes over the device

command nodedev-dumpxml
  summary print a host device as XML
  todo not written yet
  option device string positional required complete=nodedev -- name of the device
  option inactive bool -- the persistent definition rather than the running state
  use xpath wrap

command nodedev-list
  summary list devices of the host
  todo not written yet
  option tree bool -- show a tree
  option cap string also-positional values=system,pci,usb_device,usb,net,scsi_host,scsi_target,scsi,storage,fc_host,vports,scsi_generic,drm,mdev_types,mdev,ccw,css,vdpa,ap_card,ap_queue,ap_matrix,ccwgroup -- only devices with these capabilities, separated by commas
  option inactive bool -- only inactive devices
  option all bool -- active and inactive devices
  option persistent bool -- only persistent devices
  option transient bool -- only transient devices

command nodedev-reattach
  summary give a device back to its host driver
  todo not written yet
  option device string positional required complete=nodedev -- name of the device

command nodedev-reset
  summary reset a host device
  todo not written yet
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
  todo not written yet
  use xml-file validate

command nodedev-undefine
  summary delete the definition of a host device
  todo not written yet
  option device string positional required complete=nodedev -- name of the device

command nodedev-start
  summary start a defined host device
  todo not written yet
  option device string positional required complete=nodedev -- name of the device

command nodedev-autostart
  summary let a defined host device start together with the host
  todo not written yet
  option device string positional required complete=nodedev -- name of the device
  option disable bool -- don't start it automatically

command nodedev-info
  summary show basic facts about a host device
  todo not written yet
  option device string positional required complete=nodedev -- name of the device

command nodedev-update
  summary change a host device by XML
  todo not written yet
  option device string positional required complete=nodedev -- name of the device
  use xml-file
  option config bool -- change the definition of the device
  option live bool -- change the active device
  use current
