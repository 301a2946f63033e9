# SPDX-License-Identifier: LGPL-2.1-or-later
# What the generated handlers act on: how it is found, what it is called.

object domain
  type virDomain
  find virsh_domain(shell, cmd)
  name virDomainGetName(object)
  label Domain

object network
  type virNetwork
  find virsh_network(shell, cmd)
  name virNetworkGetName(object)
  label Network

object port
  type virNetworkPort
  find virsh_port(shell, cmd)
  name virsh_port_uuid(object)
  label Network port

object pool
  type virStoragePool
  find virsh_pool(shell, cmd, "pool")
  name virStoragePoolGetName(object)
  label Pool

object volume
  type virStorageVol
  find virsh_volume(shell, cmd, "vol", "pool")
  name virStorageVolGetName(object)
  label Vol

object interface
  type virInterface
  find virsh_interface(shell, cmd)
  name virInterfaceGetName(object)
  label Interface

object nodedev
  type virNodeDevice
  find virsh_nodedev(shell, cmd)
  name virNodeDeviceGetName(object)
  label Device

object secret
  type virSecret
  find virsh_secret(shell, cmd)
  name virsh_secret_uuid(object)
  label Secret

object nwfilter
  type virNWFilter
  find virsh_nwfilter(shell, cmd)
  name virNWFilterGetName(object)
  label Network filter

object binding
  type virNWFilterBinding
  find virsh_binding(shell, cmd)
  name virNWFilterBindingGetPortDev(object)
  label Network filter binding

object checkpoint
  type virDomainCheckpoint
  find virsh_checkpoint(shell, cmd)
  name virDomainCheckpointGetName(object)
  label Checkpoint
