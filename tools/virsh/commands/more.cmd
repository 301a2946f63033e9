# SPDX-License-Identifier: LGPL-2.1-or-later
# Commands of this implementation alone.

group more
  title More
  order 90

command wait
  summary wait until a domain is in a state, or has an address, an agent or no job
  text Looks at once and after each event. With --ip the address is printed. The exit status tells whether it came true in time.
  handler cmd_wait
  use domain
  option state string values=running,paused,shutoff,crashed,pmsuspended -- until it is in this state, as domstate prints it; shutoff is shut off
  option ip bool -- until a lease, the agent or the ARP table has an address of it
  option agent bool -- until its guest agent is connected
  option job bool -- until no job is active
  option timeout int -- seconds after which to give up
  exclusive state ip agent job

command top
  summary show what the running domains use, again and again
  text Processor time, memory and the traffic of disks and interfaces, from one call a round. ^C ends it; away from a terminal it shows one round.
  handler cmd_top
  json top
  option interval int -- seconds between two rounds; default is 2
  option count int -- rounds to show, 0 for no end
  option sort string values=cpu,memory,disk,net,name -- what the list is sorted by; default is cpu

command explain
  summary say what an element or attribute of the XML means
  text The way there is given from the document's root, as domain.devices.disk.driver@cache.
  handler cmd_explain
  connection no
  json explanation
  option path string positional required complete=format-path -- elements from the root on, separated by dots; @ comes before an attribute

command set
  summary change single values of a domain's definition
  text Each change is PATH=VALUE, with a path as `explain` and errors name it: devices.disk[vda].driver@cache=none. Elements that aren't there are made.
  text Of several elements of one name [N] chooses one by its number, [VALUE] the one that has the value in an attribute.
  text A running domain has the changes from its next start on.
  handler cmd_set
  use domain
  use print-xml
  option unset bool -- remove the attributes or elements named
  option change argv positional required complete=format-path -- the changes; with --unset the paths of what is to go
