# SPDX-License-Identifier: LGPL-2.1-or-later

group pool
  title Storage Pool
  order 13

command find-storage-pool-sources-as
  summary look for sources of storage pools, by options
  todo not written yet
  option type string positional required values=netfs,logical,iscsi,gluster -- type of the pool
  option host string also-positional -- host name of the server
  option port string also-positional -- port of the server
  option initiator string also-positional -- name of the iSCSI initiator

command find-storage-pool-sources
  summary look for sources of storage pools, by XML
  todo not written yet
  option type string positional required values=netfs,logical,iscsi,gluster -- type of the pool
  option srcSpec string also-positional complete=file -- file with the XML of the source to look at

command pool-autostart
  summary let a pool start together with the host
  todo not written yet
  use pool
  option disable bool -- don't start it automatically

command pool-build
  summary prepare the storage of a pool
  todo not written yet
  use pool
  option no-overwrite bool -- fail if something is there already
  option overwrite bool -- destroy whatever is there

command pool-create-as
  summary start a transient pool described by options
  todo not written yet
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
  option build bool -- prepare the storage first
  option no-overwrite bool -- fail if something is there already
  option overwrite bool -- destroy whatever is there

command pool-create
  summary start a transient pool from an XML file
  todo not written yet
  use xml-file
  option build bool -- prepare the storage first
  option no-overwrite bool -- fail if something is there already
  option overwrite bool -- destroy whatever is there

command pool-define-as
  summary define a pool by options
  todo not written yet
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

command pool-define
  summary make a pool persistent from an XML file, without starting it
  todo not written yet
  use xml-file validate

command pool-delete
  summary destroy the storage of an inactive pool
  todo not written yet
  use pool

command pool-destroy
  summary stop a pool
  text Its volumes are kept.
  todo not written yet
  use pool

command pool-dumpxml
  summary print the XML definition of a pool
  todo not written yet
  use pool
  option inactive bool -- the persistent definition rather than the running state
  use xpath wrap

command pool-edit
  summary change the XML definition of a pool in an editor
  todo not written yet
  use pool

command pool-info
  summary show basic facts about a pool
  todo not written yet
  use pool
  option bytes bool -- sizes in bytes

command pool-list
  summary list storage pools
  todo not written yet
  option inactive bool -- only inactive pools
  option all bool -- active and inactive pools
  option transient bool -- only transient pools
  option persistent bool -- only persistent pools
  option autostart bool -- only those that start automatically
  option no-autostart bool -- only those that don't start automatically
  option type string also-positional values=dir,fs,netfs,logical,disk,iscsi,iscsi-direct,scsi,mpath,rbd,sheepdog,gluster,zfs,vstorage -- only pools of these types, separated by commas
  option details bool -- show more columns
  option uuid bool -- print UUIDs only
  option name bool -- print names only

command pool-name
  summary print the name of a pool
  todo not written yet
  option pool string positional required complete=pool -- UUID of the pool

command pool-refresh
  summary look again at the volumes of a pool
  todo not written yet
  use pool

command pool-start
  summary start a defined pool
  todo not written yet
  use pool
  option build bool -- prepare the storage first
  option no-overwrite bool -- fail if something is there already
  option overwrite bool -- destroy whatever is there

command pool-undefine
  summary delete the definition of a pool
  todo not written yet
  use pool

command pool-uuid
  summary print the UUID of a pool
  todo not written yet
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
  todo not written yet
