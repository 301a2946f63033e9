# SPDX-License-Identifier: LGPL-2.1-or-later

group monitor
  title Domain Monitoring
  order 2

command domblkerror
  summary show disks in error state
  handler cmd_domblkerror
  json block-errors
  use domain

command domblkinfo
  summary show sizes of a disk
  handler cmd_domblkinfo
  json block-info
  use domain
  option device string positional complete=disk -- disk, by target or source
  option human bool -- sizes with units
  option all bool -- all disks

command domblklist
  summary list the disks of a domain
  handler cmd_domblklist
  json domain-disks
  use domain
  option inactive bool -- the persistent definition rather than the running state
  option details bool -- show more columns

command domblkstat
  summary show I/O counters of a disk
  handler cmd_domblkstat
  json counters
  use domain
  option device string positional allow-empty complete=disk -- disk, by target or source
  option human bool -- sizes with units, and labels

command domcontrol
  summary show the state of the control channel to a domain
  handler cmd_domcontrol
  json domain-control
  use domain

command domif-getlink
  summary show the cable state of an interface
  handler cmd_domif_getlink
  json link-state
  use domain
  option interface string positional required complete=vnic -- interface, by target or MAC address
  use config
  option-alias persistent config

command domifaddr
  summary list network addresses of a running domain
  text What leases, the guest's agent and the host's table of neighbours say about the domain's own interfaces is merged, without addresses that lead nowhere; a terminal is told who said it.
  handler cmd_domifaddr
  json domain-addresses
  use domain
  option interface string positional complete=vnic -- only this interface
  option full bool -- repeat name and MAC address on each line
  option source string also-positional values=lease,agent,arp,all -- whom to ask: lease, agent or arp; all tells all of what they say, and who said it
  option wait bool extra -- wait until there is an address
  option timeout int extra -- with --wait, seconds after which to give up

command domiflist
  summary list the interfaces of a domain
  handler cmd_domiflist
  json domain-interfaces
  use domain
  option inactive bool -- the persistent definition rather than the running state

command domifstat
  summary show traffic counters of an interface
  handler cmd_domifstat
  json counters
  use domain
  option interface string positional required complete=vnic -- interface, by target or MAC address

command dominfo
  summary show basic facts about a domain
  handler cmd_dominfo
  json domain-info
  use domain

command dommemstat
  summary show memory statistics of a domain
  text Values are in KiB where they are sizes.
  handler cmd_dommemstat
  json domain-memory-stats
  use domain
  option period int -- seconds between updates by the guest
  use config live current

command domstate
  summary print the state of a domain
  handler cmd_domstate
  json domain-state
  use domain
  option reason bool -- show the reason too

command domstats
  summary show statistics of one, several or all domains
  text Without a choice of groups all supported ones are shown.
  handler cmd_domstats
  json domain-stats
  option state bool -- state and its reason
  option cpu-total bool -- CPU time in total
  option balloon bool -- memory balloon
  option vcpu bool -- figures of the virtual CPUs
  option interface bool -- figures of the interfaces
  option block bool -- figures of the disks
  option perf bool -- performance events
  option iothread bool -- figures of the I/O threads
  option memory bool -- memory bandwidth
  option dirtyrate bool -- rate at which memory is dirtied
  option vm bool -- figures of the hypervisor itself
  option list-active bool -- only active domains
  option list-inactive bool -- only inactive domains
  option list-persistent bool -- only persistent domains
  option list-transient bool -- only transient domains
  option list-running bool -- only running domains
  option list-paused bool -- only paused domains
  option list-shutoff bool -- only domains that are off
  option list-other bool -- only domains in other states
  option raw bool -- values as they come, not made readable
  option enforce bool -- fail if a group isn't supported
  option backing bool -- also the backing images of disks
  option nowait bool -- leave out what can't be had at once
  option domain argv positional complete=domain -- domains to report on; default is all

command domtime
  summary show or set the clock of the guest
  handler cmd_domtime
  json domain-time
  use domain
  option now bool -- set the time of this host
  option pretty bool -- show the time in readable form
  option sync bool -- set the time of the guest's hardware clock
  option time int also-positional -- set this time, in seconds since the epoch

command list
  summary list domains
  text Running domains by default.
  handler cmd_list
  json domain-list
  option inactive bool -- only domains that don't run
  option all bool -- active and inactive domains
  option transient bool -- only transient domains
  option persistent bool -- only persistent domains
  option with-snapshot bool -- only domains with a snapshot
  option without-snapshot bool -- only domains without a snapshot
  option with-checkpoint bool -- only domains with a checkpoint
  option without-checkpoint bool -- only domains without a checkpoint
  option state-running bool -- only running domains
  option state-paused bool -- only paused domains
  option state-shutoff bool -- only domains that are off
  option state-other bool -- only domains in other states
  option autostart bool -- only those that start automatically
  option no-autostart bool -- only those that don't start automatically
  option with-managed-save bool -- only domains with a managed save image
  option without-managed-save bool -- only domains without a managed save image
  option uuid bool -- print UUIDs only
  option name bool -- print names only
  option id bool -- print IDs only
  option table bool -- print a table (default)
  option managed-save bool -- mark inactive domains that have a managed save image
  option title bool -- show titles
