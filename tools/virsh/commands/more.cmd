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
