# SPDX-License-Identifier: LGPL-2.1-or-later

group network
  title Networking
  order 8

command net-autostart
  summary let a network start together with the host
  autostart network virNetworkSetAutostart
  use network
  option disable bool -- don't start it automatically

command net-create
  summary start a transient network from an XML file
  make network virNetworkCreateXML virNetworkCreateXMLFlags
  done Network %s created from %s
  fail Failed to create network from %s
  use xml-file validate
  flag validate VIR_NETWORK_CREATE_VALIDATE

command net-define
  summary make a network persistent from an XML file, without starting it
  make network virNetworkDefineXML virNetworkDefineXMLFlags
  done Network %s defined from %s
  fail Failed to define network from %s
  use xml-file validate
  flag validate VIR_NETWORK_DEFINE_VALIDATE
  use compare
  exclusive check diff

command net-desc
  summary show or change a network's description or title
  handler cmd_net_desc
  json description
  use network
  option live bool -- change the running network
  option config bool -- change the persistent definition of the network
  use current
  option title bool -- the title rather than the description
  option edit bool -- open an editor on the text
  option new-desc argv positional -- the new text

command net-destroy
  summary stop a network
  act network virNetworkDestroy
  done Network %s destroyed
  fail Failed to destroy network %s
  use network

command net-dhcp-leases
  summary list DHCP leases of a network
  handler cmd_net_dhcp_leases
  json lease-list
  use network
  option mac string also-positional complete=mac -- MAC address

command net-dumpxml
  summary print the XML definition of a network
  dump network virNetworkGetXMLDesc
  use network
  option inactive bool flag=VIR_NETWORK_XML_INACTIVE -- the persistent definition rather than the running state
  use xpath wrap

command net-edit
  summary change the XML definition of a network in an editor
  edit network virNetworkGetXMLDesc:VIR_NETWORK_XML_INACTIVE virNetworkDefineXMLFlags:VIR_NETWORK_DEFINE_VALIDATE virNetworkDefineXML
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
  option persistent bool flag=VIR_CONNECT_LIST_NETWORKS_PERSISTENT -- only persistent networks
  option transient bool flag=VIR_CONNECT_LIST_NETWORKS_TRANSIENT -- only transient networks
  option autostart bool flag=VIR_CONNECT_LIST_NETWORKS_AUTOSTART -- only those that start automatically
  option no-autostart bool flag=VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART -- only those that don't start automatically
  option uuid bool -- print UUIDs only
  option name bool -- print names only
  option table bool -- print a table (default)
  option title bool -- show titles
  exclusive table name uuid

command net-metadata
  summary show or change custom metadata of a network
  handler cmd_net_metadata
  use network
  option uri string positional required -- namespace URI of the metadata
  option live bool -- change the running network
  option config bool -- change the persistent definition of the network
  use current
  option edit bool -- open an editor on the text
  option key string also-positional -- prefix to use for the namespace
  option set string also-positional -- the XML of the new element
  option remove bool -- remove the element
  exclusive edit set remove

command net-name
  summary print the name of a network
  print network name virNetworkGetName(object)
  json name
  option network string positional required complete=network -- UUID of the network

command net-start
  summary start a defined network
  act network virNetworkCreate
  done Network %s started
  fail Failed to start network %s
  use network

command net-undefine
  summary delete the definition of a network
  act network virNetworkUndefine
  done Network %s has been undefined
  fail Failed to undefine network %s
  use network

command net-update
  summary change one part of a network's definition
  handler cmd_net_update
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
  print network uuid virsh_network_uuid(object)
  json uuid
  option network string positional required complete=network -- name of the network

command net-port-list
  summary list the ports of a network
  handler cmd_net_port_list
  json port-list
  use network
  option uuid bool -- print UUIDs only
  option table bool -- print a table (default)

command net-port-create
  summary create a network port from an XML file
  handler cmd_net_port_create
  use network xml-file validate
  flag validate VIR_NETWORK_PORT_CREATE_VALIDATE

command net-port-dumpxml
  summary print a network port as XML
  dump port virNetworkPortGetXMLDesc
  use network
  option port string positional required complete=port -- UUID of the port
  use xpath wrap

command net-port-delete
  summary delete a network port
  act port virNetworkPortDelete flags
  done Network port %s deleted
  fail Failed to delete network port %s
  use network
  option port string positional required complete=port -- UUID of the port
