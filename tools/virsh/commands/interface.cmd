# SPDX-License-Identifier: LGPL-2.1-or-later

group interface
  title Interface
  order 6

command iface-begin
  summary open a transaction on the host's interfaces
  text What follows can be kept by iface-commit or taken back by iface-rollback.
  todo not written yet

command iface-bridge
  summary create a bridge with an existing interface in it
  todo not written yet
  option interface string positional required complete=iface -- name or MAC address of the interface
  option bridge string positional required -- name of the bridge
  option no-stp bool -- without the spanning tree protocol
  option delay int also-positional -- seconds of forwarding delay
  option no-start bool -- don't bring it up

command iface-commit
  summary keep the changes made since iface-begin
  todo not written yet

command iface-define
  summary define or change a host interface from an XML file
  todo not written yet
  use xml-file validate

command iface-destroy
  summary take a host interface down
  todo not written yet
  option interface string positional required complete=iface -- name or MAC address of the interface

command iface-dumpxml
  summary print a host interface as XML
  todo not written yet
  option interface string positional required complete=iface -- name or MAC address of the interface
  option inactive bool -- the persistent definition rather than the running state
  use xpath wrap

command iface-edit
  summary change the XML of a host interface in an editor
  todo not written yet
  option interface string positional required complete=iface -- name or MAC address of the interface

command iface-list
  summary list host interfaces
  todo not written yet
  option inactive bool -- only inactive interfaces
  option all bool -- active and inactive interfaces

command iface-mac
  summary print the MAC address of a host interface
  todo not written yet
  option interface string positional required complete=iface -- name of the interface

command iface-name
  summary print the name of the interface with a MAC address
  todo not written yet
  option interface string positional required complete=iface -- MAC address of the interface

command iface-rollback
  summary take back the changes made since iface-begin
  todo not written yet

command iface-start
  summary bring a host interface up
  todo not written yet
  option interface string positional required complete=iface -- name or MAC address of the interface

command iface-unbridge
  summary dissolve a bridge and free its interface
  todo not written yet
  option bridge string positional required complete=iface -- name of the bridge
  option no-start bool -- don't bring it up

command iface-undefine
  summary delete the configuration of a host interface
  todo not written yet
  option interface string positional required complete=iface -- name or MAC address of the interface
