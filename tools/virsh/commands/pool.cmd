# SPDX-License-Identifier: LGPL-2.1-or-later

group pool
  title Storage Pool
  order 13

command find-storage-pool-sources-as
  summary look for sources of storage pools, by options
  handler cmd_find_storage_pool_sources_as
  option type string positional required values=netfs,logical,iscsi,gluster -- type of the pool
  option host string also-positional -- host name of the server
  option port string also-positional -- port of the server
  option initiator string also-positional -- name of the iSCSI initiator

command find-storage-pool-sources
  summary look for sources of storage pools, by XML
  handler cmd_find_storage_pool_sources
  option type string positional required values=netfs,logical,iscsi,gluster -- type of the pool
  option srcSpec string also-positional complete=file -- file with the XML of the source to look at

command pool-autostart
  summary let a pool start together with the host
  autostart pool virStoragePoolSetAutostart
  use pool
  option disable bool -- don't start it automatically

command pool-build
  summary prepare the storage of a pool
  act pool virStoragePoolBuild flags
  done Pool %s built
  fail Failed to build pool %s
  use pool
  option no-overwrite bool flag=VIR_STORAGE_POOL_BUILD_NO_OVERWRITE -- fail if something is there already
  option overwrite bool flag=VIR_STORAGE_POOL_BUILD_OVERWRITE -- destroy whatever is there

command pool-create-as
  summary start a transient pool described by options
  handler cmd_pool_create_as
  option name string positional required -- name of the pool
  option type string positional required values=dir,fs,netfs,logical,disk,iscsi,iscsi-direct,scsi,mpath,rbd,gluster,zfs,vstorage -- type of the pool
  use print-xml
  option source-host string also-positional -- host name of the server
  option source-path string also-positional -- path on the server
  option source-dev string also-positional -- device of the source
  option source-name string also-positional -- name of the source
  option target string also-positional -- where the pool shows its volumes
  option source-format string also-positional -- format of the source
  option auth-type string also-positional -- kind of authentication
  option auth-username string also-positional -- name of the user
  option secret-usage string also-positional -- usage name of the secret
  option secret-uuid string also-positional -- UUID of the secret
  option adapter-name string also-positional -- name of the host bus adapter
  option adapter-wwnn string also-positional -- node WWN of the adapter
  option adapter-wwpn string also-positional -- port WWN of the adapter
  option adapter-parent string also-positional -- parent of the adapter
  option adapter-parent-wwnn string also-positional -- node WWN of the parent
  option adapter-parent-wwpn string also-positional -- port WWN of the parent
  option adapter-parent-fabric-wwn string also-positional -- fabric WWN of the parent
  option source-protocol-ver string also-positional -- version of the NFS protocol
  option source-initiator string also-positional -- name of the iSCSI initiator
  option build bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD -- prepare the storage first
  option no-overwrite bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE -- fail if something is there already
  option overwrite bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE -- destroy whatever is there
  exclusive overwrite no-overwrite
  exclusive secret-usage secret-uuid

command pool-create
  summary start a transient pool from an XML file
  make pool virStoragePoolCreateXML flags
  done Pool %s created from %s
  fail Failed to create pool from %s
  use xml-file
  option build bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD -- prepare the storage first
  option no-overwrite bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE -- fail if something is there already
  option overwrite bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE -- destroy whatever is there
  exclusive overwrite no-overwrite

command pool-define-as
  summary define a pool by options
  handler cmd_pool_define_as
  option name string positional required -- name of the pool
  option type string positional required values=dir,fs,netfs,logical,disk,iscsi,iscsi-direct,scsi,mpath,rbd,gluster,zfs,vstorage -- type of the pool
  use print-xml
  option source-host string also-positional -- host name of the server
  option source-path string also-positional -- path on the server
  option source-dev string also-positional -- device of the source
  option source-name string also-positional -- name of the source
  option target string also-positional -- where the pool shows its volumes
  option source-format string also-positional -- format of the source
  option auth-type string also-positional -- kind of authentication
  option auth-username string also-positional -- name of the user
  option secret-usage string also-positional -- usage name of the secret
  option secret-uuid string also-positional -- UUID of the secret
  option adapter-name string also-positional -- name of the host bus adapter
  option adapter-wwnn string also-positional -- node WWN of the adapter
  option adapter-wwpn string also-positional -- port WWN of the adapter
  option adapter-parent string also-positional -- parent of the adapter
  option adapter-parent-wwnn string also-positional -- node WWN of the parent
  option adapter-parent-wwpn string also-positional -- port WWN of the parent
  option adapter-parent-fabric-wwn string also-positional -- fabric WWN of the parent
  option source-protocol-ver string also-positional -- version of the NFS protocol
  option source-initiator string also-positional -- name of the iSCSI initiator
  exclusive secret-usage secret-uuid

command pool-define
  summary make a pool persistent from an XML file, without starting it
  make pool virStoragePoolDefineXML flags
  done Pool %s defined from %s
  fail Failed to define pool from %s
  use xml-file validate
  flag validate VIR_STORAGE_POOL_DEFINE_VALIDATE
  use compare
  exclusive check diff

command pool-delete
  summary destroy the storage of an inactive pool
  act pool virStoragePoolDelete flags
  done Pool %s deleted
  fail Failed to delete pool %s
  use pool

command pool-destroy
  summary stop a pool
  text Its volumes are kept.
  act pool virStoragePoolDestroy
  done Pool %s destroyed
  fail Failed to destroy pool %s
  use pool

command pool-dumpxml
  summary print the XML definition of a pool
  dump pool virStoragePoolGetXMLDesc
  use pool
  option inactive bool flag=VIR_STORAGE_XML_INACTIVE -- the persistent definition rather than the running state
  use xpath wrap

command pool-edit
  summary change the XML definition of a pool in an editor
  edit pool virStoragePoolGetXMLDesc:VIR_STORAGE_XML_INACTIVE virStoragePoolDefineXML:VIR_STORAGE_POOL_DEFINE_VALIDATE
  use pool

command pool-info
  summary show basic facts about a pool
  handler cmd_pool_info
  json pool-info
  use pool
  option bytes bool -- sizes in bytes

command pool-list
  summary list storage pools
  handler cmd_pool_list
  json pool-list
  option inactive bool -- only inactive pools
  option all bool -- active and inactive pools
  option transient bool flag=VIR_CONNECT_LIST_STORAGE_POOLS_TRANSIENT -- only transient pools
  option persistent bool flag=VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT -- only persistent pools
  option autostart bool flag=VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART -- only those that start automatically
  option no-autostart bool flag=VIR_CONNECT_LIST_STORAGE_POOLS_NO_AUTOSTART -- only those that don't start automatically
  option type string also-positional values=dir,fs,netfs,logical,disk,iscsi,iscsi-direct,scsi,mpath,rbd,sheepdog,gluster,zfs,vstorage -- only pools of these types, separated by commas
  option details bool -- show more columns
  option uuid bool -- print UUIDs only
  option name bool -- print names only
  exclusive details uuid
  exclusive details name

command pool-name
  summary print the name of a pool
  print pool name virStoragePoolGetName(object)
  json name
  option pool string positional required complete=pool -- UUID of the pool

command pool-refresh
  summary look again at the volumes of a pool
  act pool virStoragePoolRefresh flags
  done Pool %s refreshed
  fail Failed to refresh pool %s
  use pool

command pool-start
  summary start a defined pool
  act pool virStoragePoolCreate flags
  done Pool %s started
  fail Failed to start pool %s
  use pool
  option build bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD -- prepare the storage first
  option no-overwrite bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE -- fail if something is there already
  option overwrite bool flag=VIR_STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE -- destroy whatever is there
  exclusive overwrite no-overwrite

command pool-undefine
  summary delete the definition of a pool
  act pool virStoragePoolUndefine
  done Pool %s has been undefined
  fail Failed to undefine pool %s
  use pool

command pool-uuid
  summary print the UUID of a pool
  print pool uuid virsh_pool_uuid(object)
  json uuid
  option pool string positional required complete=pool -- name of the pool

command pool-event
  summary list kinds of events, or wait for pool events
  handler cmd_pool_event
  json event
  option pool string also-positional complete=pool -- only events of this pool
  option event string also-positional complete=event-pool -- kind of event to wait for
  option loop bool -- go on after the first event
  option timeout int also-positional -- seconds after which to give up
  option list bool -- list the kinds of events
  option timestamp bool -- show the time of each event

command pool-capabilities
  summary print which kinds of pools are supported, as XML
  handler cmd_pool_capabilities
