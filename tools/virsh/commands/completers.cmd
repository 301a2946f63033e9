# SPDX-License-Identifier: LGPL-2.1-or-later
# Sources of values for completion; complete_NAME in ../completers.c.

completer domain
  doc names of domains

completer network
  doc names of networks

completer pool
  doc names of pools

completer volume
  doc names of volumes of the pool given

completer nodedev
  doc names of host devices

completer disk
  doc targets of the disks of the domain given

completer disk-list
  doc the same, separated by commas

completer chain
  doc images of the chain of the disk given

completer iface
  doc names of host interfaces

completer snapshot
  doc names of snapshots of the domain given

completer checkpoint
  doc names of checkpoints of the domain given

completer vnic
  doc MAC addresses and targets of interfaces of the domain given

completer mac
  doc MAC addresses of interfaces of the domain or network given

completer alias
  doc aliases of devices of the domain given

completer secret
  doc UUIDs of secrets

completer nwfilter
  doc names of network filters

completer binding
  doc port devices of filter bindings

completer port
  doc UUIDs of ports of the network given

completer throttle-group
  doc names of throttle groups of the domain given

completer vcpu
  doc numbers of virtual CPUs of the domain given

completer vcpu-list
  doc the same, separated by commas

completer host-cpu
  doc numbers of host CPUs, separated by commas

completer iothread
  doc numbers of I/O threads of the domain given

completer perf-event
  doc names of performance events, separated by commas

completer cell
  doc numbers of the host's NUMA cells

completer page-size
  doc sizes of the host's pages

completer mount-point
  doc mount points of the domain given, by its agent

completer format-path
  doc paths into the XML formats

completer console
  doc aliases of consoles of the domain given

completer event-domain
  doc kinds of domain events

completer event-network
  doc kinds of network events

completer event-pool
  doc kinds of pool events

completer event-nodedev
  doc kinds of host device events

completer event-secret
  doc kinds of secret events

completer file
  doc files

completer dir
  doc directories

completer command
  doc commands and keywords of groups

completer keycode
  doc names of keys
