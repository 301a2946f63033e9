# SPDX-License-Identifier: LGPL-2.1-or-later

group interface
  title Interface
  order 6

command iface-begin
  summary open a transaction on the host's interfaces
  text What follows can be kept by iface-commit or taken back by iface-rollback.
  handler cmd_iface_begin

command iface-bridge
  summary create a bridge with an existing interface in it
  handler cmd_iface_bridge
  option interface string positional required complete=iface -- name or MAC address of the interface
  option bridge string positional required -- name of the bridge
  option no-stp bool -- without the spanning tree protocol
  option delay int also-positional -- seconds of forwarding delay
  option no-start bool -- don't bring it up

command iface-commit
  summary keep the changes made since iface-begin
  handler cmd_iface_commit

command iface-define
  summary define or change a host interface from an XML file
  make interface virInterfaceDefineXML flags
  done Interface %s defined from %s
  fail Failed to define interface from %s
  use xml-file validate
  flag validate VIR_INTERFACE_DEFINE_VALIDATE
  use compare
  exclusive check diff

command iface-destroy
  summary take a host interface down
  act interface virInterfaceDestroy flags
  done Interface %s destroyed
  fail Failed to destroy interface %s
  option interface string positional required complete=iface -- name or MAC address of the interface

command iface-dumpxml
  summary print a host interface as XML
  dump interface virInterfaceGetXMLDesc
  option interface string positional required complete=iface -- name or MAC address of the interface
  option inactive bool flag=VIR_INTERFACE_XML_INACTIVE -- the persistent definition rather than the running state
  use xpath wrap

command iface-edit
  summary change the XML of a host interface in an editor
  edit interface virInterfaceGetXMLDesc:VIR_INTERFACE_XML_INACTIVE virInterfaceDefineXML:VIR_INTERFACE_DEFINE_VALIDATE
  option interface string positional required complete=iface -- name or MAC address of the interface

command iface-list
  summary list host interfaces
  handler cmd_iface_list
  json interface-list
  option inactive bool -- only inactive interfaces
  option all bool -- active and inactive interfaces

command iface-mac
  summary print the MAC address of a host interface
  print interface mac virInterfaceGetMACString(object)
  json mac
  option interface string positional required complete=iface -- name of the interface

command iface-name
  summary print the name of the interface with a MAC address
  print interface name virInterfaceGetName(object)
  json name
  option interface string positional required complete=iface -- MAC address of the interface

command iface-rollback
  summary take back the changes made since iface-begin
  handler cmd_iface_rollback

command iface-start
  summary bring a host interface up
  act interface virInterfaceCreate flags
  done Interface %s started
  fail Failed to start interface %s
  option interface string positional required complete=iface -- name or MAC address of the interface

command iface-unbridge
  summary dissolve a bridge and free its interface
  handler cmd_iface_unbridge
  option bridge string positional required complete=iface -- name of the bridge
  option no-start bool -- don't bring it up

command iface-undefine
  summary delete the configuration of a host interface
  act interface virInterfaceUndefine
  done Interface %s undefined
  fail Failed to undefine interface %s
  option interface string positional required complete=iface -- name or MAC address of the interface
