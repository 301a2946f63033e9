# SPDX-License-Identifier: LGPL-2.1-or-later

group volume
  title Storage Volume
  order 14

command vol-clone
  summary copy a volume inside its pool
  handler cmd_vol_clone
  option vol string positional required complete=volume -- name, key or path of the volume
  option newname string positional required -- name of the copy
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option prealloc-metadata bool flag=VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA -- write the image's tables beforehand
  option reflink bool flag=VIR_STORAGE_VOL_CREATE_REFLINK -- share data with the original
  use print-xml

command vol-create-as
  summary create a volume described by options
  handler cmd_vol_create_as
  use pool
  option name string positional required -- name of the volume
  option capacity string positional required -- capacity of the volume, with the usual suffixes
  option allocation string also-positional -- bytes to allocate at once, with the usual suffixes
  option format string also-positional values=raw,qcow2,vmdk,vdi,qed,vpc,luks,iso -- format of the volume
  option backing-vol string also-positional complete=volume -- volume that it is based on
  option backing-vol-format string also-positional values=raw,qcow2,vmdk,vdi,qed,vpc -- format of the backing volume
  option prealloc-metadata bool flag=VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA -- write the image's tables beforehand
  use print-xml

command vol-create
  summary create a volume from an XML file
  handler cmd_vol_create
  use pool xml-file
  option prealloc-metadata bool flag=VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA -- write the image's tables beforehand
  use validate
  flag validate VIR_STORAGE_VOL_CREATE_VALIDATE

command vol-create-from
  summary create a volume with the data of another
  handler cmd_vol_create_from
  use pool xml-file
  option vol string positional required complete=volume -- name, key or path of the volume
  option inputpool string also-positional complete=pool -- pool of the volume that is copied
  option prealloc-metadata bool flag=VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA -- write the image's tables beforehand
  option reflink bool flag=VIR_STORAGE_VOL_CREATE_REFLINK -- share data with the original
  use validate
  flag validate VIR_STORAGE_VOL_CREATE_VALIDATE

command vol-delete
  summary delete a volume and its data
  act volume virStorageVolDelete flags
  done Vol %s deleted
  fail Failed to delete vol %s
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option delete-snapshots bool flag=VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS -- delete its snapshots too

command vol-download
  summary copy a volume's data to a local file
  handler cmd_vol_download
  option vol string positional required complete=volume -- name, key or path of the volume
  option file string positional required complete=file -- where to store the data
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option offset int also-positional -- first byte
  option length int also-positional -- number of bytes
  option sparse bool flag=VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM -- leave out holes

command vol-dumpxml
  summary print a volume as XML
  dump volume virStorageVolGetXMLDesc
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  use xpath wrap

command vol-info
  summary show basic facts about a volume
  handler cmd_vol_info
  json volume-info
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option bytes bool -- sizes in bytes
  option physical bool -- the size that the image takes up

command vol-key
  summary print the key of a volume
  print volume key virStorageVolGetKey(object)
  json key
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path

command vol-list
  summary list the volumes of a pool
  handler cmd_vol_list
  json volume-list
  use pool
  option details bool -- show more columns

command vol-name
  summary print the name of a volume
  print volume name virStorageVolGetName(object)
  json name
  option vol string positional required complete=volume -- key or path of the volume

command vol-path
  summary print the path of a volume
  handler cmd_vol_path
  json path
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path

command vol-pool
  summary print the pool that a volume is in
  handler cmd_vol_pool
  json volume-pool
  option vol string positional required complete=volume -- key or path of the volume
  option uuid bool -- print the UUID rather than the name

command vol-resize
  summary change the capacity of a volume
  handler cmd_vol_resize
  option vol string positional required complete=volume -- name, key or path of the volume
  option capacity string positional required -- new capacity, with the usual suffixes
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option allocate bool flag=VIR_STORAGE_VOL_RESIZE_ALLOCATE -- allocate the added space at once
  option delta bool flag=VIR_STORAGE_VOL_RESIZE_DELTA -- the size is a difference
  option shrink bool flag=VIR_STORAGE_VOL_RESIZE_SHRINK -- allow data to be cut off

command vol-upload
  summary copy a local file's data into a volume
  handler cmd_vol_upload
  option vol string positional required complete=volume -- name, key or path of the volume
  option file string positional required complete=file -- file with the data
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option offset int also-positional -- first byte
  option length int also-positional -- number of bytes
  option sparse bool flag=VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM -- leave out holes

command vol-wipe
  summary overwrite the data of a volume
  handler cmd_vol_wipe
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option algorithm string also-positional values=zero,nnsa,dod,bsi,gutmann,schneier,pfitzner7,pfitzner33,random,trim -- how to overwrite, as zero, nnsa or random
