# SPDX-License-Identifier: LGPL-2.1-or-later

group volume
  title Storage Volume
  order 14

command vol-clone
  summary copy a volume inside its pool
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option newname string positional required -- name of the copy
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option prealloc-metadata bool -- write the image's tables beforehand
  option reflink bool -- share data with the original
  use print-xml

command vol-create-as
  summary create a volume described by options
  todo not written yet
  use pool
  option name string positional required -- name of the volume
  option capacity string positional required -- capacity of the volume, with the usual suffixes
  option allocation string also-positional -- bytes to allocate at once, with the usual suffixes
  option format string also-positional values=raw,qcow2,vmdk,vdi,qed,vpc,luks,iso -- format of the volume
  option backing-vol string also-positional complete=volume -- volume that it is based on
  option backing-vol-format string also-positional values=raw,qcow2,vmdk,vdi,qed,vpc -- format of the backing volume
  option prealloc-metadata bool -- write the image's tables beforehand
  use print-xml

command vol-create
  summary create a volume from an XML file
  todo not written yet
  use pool xml-file
  option prealloc-metadata bool -- write the image's tables beforehand
  use validate

command vol-create-from
  summary create a volume with the data of another
  todo not written yet
  use pool xml-file
  option vol string positional required complete=volume -- name, key or path of the volume
  option inputpool string also-positional complete=pool -- pool of the volume that is copied
  option prealloc-metadata bool -- write the image's tables beforehand
  option reflink bool -- share data with the original
  use validate

command vol-delete
  summary delete a volume and its data
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option delete-snapshots bool -- delete its snapshots too

command vol-download
  summary copy a volume's data to a local file
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option file string positional required complete=file -- where to store the data
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option offset int also-positional -- first byte
  option length int also-positional -- number of bytes
  option sparse bool -- leave out holes

command vol-dumpxml
  summary print a volume as XML
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  use xpath wrap

command vol-info
  summary show basic facts about a volume
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option bytes bool -- sizes in bytes
  option physical bool -- the size that the image takes up

command vol-key
  summary print the key of a volume
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path

command vol-list
  summary list the volumes of a pool
  todo not written yet
  use pool
  option details bool -- show more columns

command vol-name
  summary print the name of a volume
  todo not written yet
  option vol string positional required complete=volume -- key or path of the volume

command vol-path
  summary print the path of a volume
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path

command vol-pool
  summary print the pool that a volume is in
  todo not written yet
  option vol string positional required complete=volume -- key or path of the volume
  option uuid bool -- print the UUID rather than the name

command vol-resize
  summary change the capacity of a volume
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option capacity string positional required -- new capacity, with the usual suffixes
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option allocate bool -- allocate the added space at once
  option delta bool -- the size is a difference
  option shrink bool -- allow data to be cut off

command vol-upload
  summary copy a local file's data into a volume
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option file string positional required complete=file -- file with the data
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option offset int also-positional -- first byte
  option length int also-positional -- number of bytes
  option sparse bool -- leave out holes

command vol-wipe
  summary overwrite the data of a volume
  todo not written yet
  option vol string positional required complete=volume -- name, key or path of the volume
  option pool string positional complete=pool -- name or UUID of the pool, needed unless the volume is named by key or path
  option algorithm string also-positional values=zero,nnsa,dod,bsi,gutmann,schneier,pfitzner7,pfitzner33,random,trim -- how to overwrite, as zero, nnsa or random
