# SPDX-License-Identifier: LGPL-2.1-or-later

group network
  title Networking
  order 8

command net-autostart
  summary let a network start together with the host
  handler cmd_net_autostart
  use network
  option disable bool -- don't start it automatically

command net-create
  summary start a transient network from an XML file
  handler cmd_net_create
  use xml-file validate

command net-define
  summary make a network persistent from an XML file, without starting it
  handler cmd_net_define
  use xml-file validate

command net-desc
  summary show or change a network's description or title
  todo not written yet
  use network
  option live bool -- change the running network
  option config bool -- change the persistent definition of the network
  use current
  option title bool -- the title rather than the description
  option edit bool -- open an editor on the text
  option new-desc argv positional -- the new text

command net-destroy
  summary stop a network
  handler cmd_net_destroy
  use network

command net-dhcp-leases
  summary list DHCP leases of a network
  todo not written yet
  use network
  option mac string also-positional complete=mac -- MAC address

command net-dumpxml
  summary print the XML definition of a network
  handler cmd_net_dumpxml
  use network
  option inactive bool -- the persistent definition rather than the running state
  use xpath wrap

command net-edit
  summary change the XML definition of a network in an editor
  todo not written yet
  use network

command net-event
  summary list kinds of events, or wait for network events
  handler cmd_net_event
  json event
  option network string also-positional complete=network -- only events of this network
  option event string also-positional complete=event-network -- kind of event to wait for
  option loop bool -- go on after the first event
  option timeout int also-positional -- seconds after which to give up
  option list bool -- list the kinds of events
  option timestamp bool -- show the time of each event

command net-info
  summary show basic facts about a network
  handler cmd_net_info
  json network-info
  use network

command net-list
  summary list networks
  handler cmd_net_list
  json network-list
  option inactive bool -- only inactive networks
  option all bool -- active and inactive networks
  option persistent bool -- only persistent networks
  option transient bool -- only transient networks
  option autostart bool -- only those that start automatically
  option no-autostart bool -- only those that don't start automatically
  option uuid bool -- print UUIDs only
  option name bool -- print names only
  option table bool -- print a table (default)
  option title bool -- show titles

command net-metadata
  summary show or change custom metadata of a network
  todo not written yet
  use network
  option uri string positional required -- namespace URI of the metadata
  option live bool -- change the running network
  option config bool -- change the persistent definition of the network
  use current
  option edit bool -- open an editor on the text
  option key string also-positional -- prefix to use for the namespace
  option set string also-positional -- the XML of the new element
  option remove bool -- remove the element

command net-name
  summary print the name of a network
  handler cmd_net_name
  option network string positional required complete=network -- UUID of the network

command net-start
  summary start a defined network
  handler cmd_net_start
  use network

command net-undefine
  summary delete the definition of a network
  handler cmd_net_undefine
  use network

command net-update
  summary change one part of a network's definition
  todo not written yet
  use network
  option command string positional required values=add-first,add-last,add,delete,modify -- add-first, add-last (or add), delete or modify
  option section string positional required values=bridge,domain,ip,ip-dhcp-host,ip-dhcp-range,forward,forward-interface,forward-pf,portgroup,dns-host,dns-txt,dns-srv -- part of the definition, as ip-dhcp-host
  option xml string positional required complete=file -- file with the XML of the part, or the XML itself
  option parent-index int also-positional -- number of the parent element, if there are several
  option config bool -- change the persistent definition of the network
  option live bool -- change the running network
  use current

command net-uuid
  summary print the UUID of a network
  handler cmd_net_uuid
  option network string positional required complete=network -- name of the network

command net-port-list
  summary list the ports of a network
  todo not written yet
  use network
  option uuid bool -- print UUIDs only
  option table bool -- print a table (default)

command net-port-create
  summary create a network port from an XML file
  todo not written yet
  use network xml-file validate

command net-port-dumpxml
  summary print a network port as XML
  todo not written yet
  use network
  option port string positional required complete=port -- UUID of the port
  use xpath wrap

command net-port-delete
  summary delete a network port
  todo not written yet
  use network
  option port string positional required complete=port -- UUID of the port
