# SPDX-License-Identifier: LGPL-2.1-or-later

group domain
  title Domain Management
  order 1

command attach-device
  summary plug a device described by XML into a domain
  text The file holds one element of the devices section of a domain definition.
  handler cmd_attach_device
  use domain xml-file
  option persistent bool -- change a running domain and its definition
  use config live current

command attach-disk
  summary plug a disk into a domain
  text Builds the disk element from the options given; --print-xml shows it without attaching anything.
  handler cmd_attach_disk
  use domain
  option source string positional required allow-empty complete=file -- file, device or name of the network disk
  option target string positional required -- name of the device in the guest
  option targetbus string values=virtio,ide,sata,scsi,usb,fdc -- bus of the disk in the guest
  option driver string values=qemu,phy -- driver of the disk
  option subdriver string values=raw,qcow2,vmdk,vdi,luks -- format of the disk
  option iothread string complete=iothread -- number of the I/O thread
  option cache string values=default,none,writethrough,writeback,directsync,unsafe -- cache mode
  option io string values=native,threads,io_uring -- I/O policy
  option type string values=disk,cdrom,floppy,lun -- kind of device in the guest: disk, cdrom, floppy, lun
  option mode string values=readonly,shareable -- readonly or shareable
  option sourcetype string values=file,block,network -- kind of source: file, block, network
  option serial string -- serial number
  option wwn string -- world wide name
  option alias string complete=alias -- alias of the device
  option rawio bool -- let the guest send raw SCSI commands
  option address string -- address of the device in the guest
  option multifunction bool -- make the PCI function part of a multifunction device
  use print-xml
  option source-protocol string -- protocol of the network source
  option source-host-name string -- host of the network source
  option source-host-transport string -- transport to the host of the source
  option source-host-socket string -- socket of the host of the source
  option throttle-groups string complete=throttle-group -- throttle groups of the disk, separated by commas
  option persistent bool -- change a running domain and its definition
  use config live current
  option-alias shareable mode shareable

command attach-interface
  summary plug a network interface into a domain
  text Builds the interface element from the options given; --print-xml shows it without attaching anything.
  handler cmd_attach_interface
  use domain
  option type string positional required values=network,bridge,direct,hostdev -- kind of source: network, bridge, direct, hostdev
  option source string positional required -- network, bridge or device that the interface is joined to
  option target string also-positional -- name of the tap device on the host
  option mac string also-positional -- MAC address
  option script string also-positional -- script that joins the interface to the host's network
  option model string also-positional values=virtio,e1000,e1000e,rtl8139 -- model of the network card
  option alias string also-positional complete=alias -- alias of the device
  option inbound string also-positional -- limits of incoming traffic: average,peak,burst,floor
  option outbound string also-positional -- limits of outgoing traffic: average,peak,burst
  option persistent bool -- change a running domain and its definition
  use config live current print-xml
  option managed bool -- take the device from the host driver and give it back later
  option source-mode string also-positional values=bridge,private,vepa,passthrough -- mode of a direct interface

command autostart
  summary let a domain start together with the host
  text The domain is started when the daemon comes up. --disable takes that back; --once is for the next boot of the host only.
  handler cmd_autostart
  use domain
  option disable bool -- don't start it automatically
  option once bool -- only at the next boot of the host

command blkdeviotune
  summary show or set I/O limits of a disk
  text Without any limit the current ones are shown. A limit of 0 means no limit. Sizes take the usual suffixes.
  handler cmd_blkdeviotune
  json parameters
  use domain
  option device string positional required complete=disk -- disk, by target or source
  option group-name string param=VIR_DOMAIN_BLOCK_IOTUNE_GROUP_NAME:string complete=throttle-group -- group that shares the limits
  option total-bytes-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC:bytes -- bytes a second, read and written
  option read-bytes-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC:bytes -- bytes read a second
  option write-bytes-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC:bytes -- bytes written a second
  option total-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC:ullong -- operations a second
  option read-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC:ullong -- read operations a second
  option write-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC:ullong -- write operations a second
  option total-bytes-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC_MAX:bytes -- peak of total-bytes-sec
  option read-bytes-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC_MAX:bytes -- peak of read-bytes-sec
  option write-bytes-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC_MAX:bytes -- peak of write-bytes-sec
  option total-iops-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC_MAX:ullong -- peak of total-iops-sec
  option read-iops-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC_MAX:ullong -- peak of read-iops-sec
  option write-iops-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC_MAX:ullong -- peak of write-iops-sec
  option size-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_SIZE_IOPS_SEC:ullong -- bytes that count as one operation
  option total-bytes-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH:ullong -- seconds that the peak of total-bytes-sec may last
  option read-bytes-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC_MAX_LENGTH:ullong -- seconds that the peak of read-bytes-sec may last
  option write-bytes-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC_MAX_LENGTH:ullong -- seconds that the peak of write-bytes-sec may last
  option total-iops-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC_MAX_LENGTH:ullong -- seconds that the peak of total-iops-sec may last
  option read-iops-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC_MAX_LENGTH:ullong -- seconds that the peak of read-iops-sec may last
  option write-iops-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC_MAX_LENGTH:ullong -- seconds that the peak of write-iops-sec may last
  use config live current
  option-alias group_name group-name
  option-alias total_bytes_sec total-bytes-sec
  option-alias read_bytes_sec read-bytes-sec
  option-alias write_bytes_sec write-bytes-sec
  option-alias total_iops_sec total-iops-sec
  option-alias read_iops_sec read-iops-sec
  option-alias write_iops_sec write-iops-sec
  option-alias total_bytes_sec_max total-bytes-sec-max
  option-alias read_bytes_sec_max read-bytes-sec-max
  option-alias write_bytes_sec_max write-bytes-sec-max
  option-alias total_iops_sec_max total-iops-sec-max
  option-alias read_iops_sec_max read-iops-sec-max
  option-alias write_iops_sec_max write-iops-sec-max
  option-alias size_iops_sec size-iops-sec
  option-alias total_bytes_sec_max_length total-bytes-sec-max-length
  option-alias read_bytes_sec_max_length read-bytes-sec-max-length
  option-alias write_bytes_sec_max_length write-bytes-sec-max-length
  option-alias total_iops_sec_max_length total-iops-sec-max-length
  option-alias read_iops_sec_max_length read-iops-sec-max-length
  option-alias write_iops_sec_max_length write-iops-sec-max-length

command domthrottlegroupset
  summary create or change a throttle group
  text A throttle group shares its I/O limits among all disks that belong to it.
  handler cmd_domthrottlegroupset
  use domain
  option group-name string positional required complete=throttle-group -- throttle group
  option total-bytes-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC:bytes -- bytes a second, read and written
  option read-bytes-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC:bytes -- bytes read a second
  option write-bytes-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC:bytes -- bytes written a second
  option total-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC:ullong -- operations a second
  option read-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC:ullong -- read operations a second
  option write-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC:ullong -- write operations a second
  option total-bytes-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC_MAX:bytes -- peak of total-bytes-sec
  option read-bytes-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC_MAX:bytes -- peak of read-bytes-sec
  option write-bytes-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC_MAX:bytes -- peak of write-bytes-sec
  option total-iops-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC_MAX:ullong -- peak of total-iops-sec
  option read-iops-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC_MAX:ullong -- peak of read-iops-sec
  option write-iops-sec-max int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC_MAX:ullong -- peak of write-iops-sec
  option size-iops-sec int param=VIR_DOMAIN_BLOCK_IOTUNE_SIZE_IOPS_SEC:ullong -- bytes that count as one operation
  option total-bytes-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH:ullong -- seconds that the peak of total-bytes-sec may last
  option read-bytes-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_BYTES_SEC_MAX_LENGTH:ullong -- seconds that the peak of read-bytes-sec may last
  option write-bytes-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_BYTES_SEC_MAX_LENGTH:ullong -- seconds that the peak of write-bytes-sec may last
  option total-iops-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC_MAX_LENGTH:ullong -- seconds that the peak of total-iops-sec may last
  option read-iops-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_READ_IOPS_SEC_MAX_LENGTH:ullong -- seconds that the peak of read-iops-sec may last
  option write-iops-sec-max-length int param=VIR_DOMAIN_BLOCK_IOTUNE_WRITE_IOPS_SEC_MAX_LENGTH:ullong -- seconds that the peak of write-iops-sec may last
  use config live current
  option-alias total_bytes_sec total-bytes-sec
  option-alias read_bytes_sec read-bytes-sec
  option-alias write_bytes_sec write-bytes-sec
  option-alias total_iops_sec total-iops-sec
  option-alias read_iops_sec read-iops-sec
  option-alias write_iops_sec write-iops-sec
  option-alias total_bytes_sec_max total-bytes-sec-max
  option-alias read_bytes_sec_max read-bytes-sec-max
  option-alias write_bytes_sec_max write-bytes-sec-max
  option-alias total_iops_sec_max total-iops-sec-max
  option-alias read_iops_sec_max read-iops-sec-max
  option-alias write_iops_sec_max write-iops-sec-max
  option-alias size_iops_sec size-iops-sec
  option-alias total_bytes_sec_max_length total-bytes-sec-max-length
  option-alias read_bytes_sec_max_length read-bytes-sec-max-length
  option-alias write_bytes_sec_max_length write-bytes-sec-max-length
  option-alias total_iops_sec_max_length total-iops-sec-max-length
  option-alias read_iops_sec_max_length read-iops-sec-max-length
  option-alias write_iops_sec_max_length write-iops-sec-max-length

command domthrottlegroupdel
  summary delete a throttle group
  handler cmd_domthrottlegroupdel
  use domain
  option group-name string positional required complete=throttle-group -- throttle group
  use config live current

command domthrottlegroupinfo
  summary show the limits of a throttle group
  handler cmd_domthrottlegroupinfo
  json parameters
  use domain
  option group-name string positional required complete=throttle-group -- throttle group
  option inactive bool -- the persistent definition rather than the running state

command domthrottlegrouplist
  summary list the throttle groups of a domain
  handler cmd_domthrottlegrouplist
  json name-list
  use domain
  option inactive bool -- the persistent definition rather than the running state

command blkiotune
  summary show or set block I/O parameters of a domain
  text Without parameters the current ones are shown.
  handler cmd_blkiotune
  json parameters
  use domain
  option weight int also-positional param=VIR_DOMAIN_BLKIO_WEIGHT:uint -- I/O weight of the domain
  option device-weights string also-positional param=VIR_DOMAIN_BLKIO_DEVICE_WEIGHT:string -- weights per device: path,weight,...
  option device-read-iops-sec string also-positional param=VIR_DOMAIN_BLKIO_DEVICE_READ_IOPS:string -- read operations a second per device: path,limit,...
  option device-write-iops-sec string also-positional param=VIR_DOMAIN_BLKIO_DEVICE_WRITE_IOPS:string -- write operations a second per device: path,limit,...
  option device-read-bytes-sec string also-positional param=VIR_DOMAIN_BLKIO_DEVICE_READ_BPS:string -- bytes read a second per device: path,limit,...
  option device-write-bytes-sec string also-positional param=VIR_DOMAIN_BLKIO_DEVICE_WRITE_BPS:string -- bytes written a second per device: path,limit,...
  use config live current

command blockcommit
  summary merge an overlay into its backing image
  text Moves the data of one or more layers of a disk's chain down into a lower layer, while the domain runs.
  handler cmd_blockcommit
  exclusive pivot keep-overlay
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option bandwidth int also-positional -- limit in MiB a second
  option base string also-positional complete=chain -- where the chain that is kept begins
  option shallow bool flag=VIR_DOMAIN_BLOCK_COMMIT_SHALLOW -- handle the top layer only
  option top string also-positional complete=chain -- layer where the merge begins; default is the active one
  option active bool flag=VIR_DOMAIN_BLOCK_COMMIT_ACTIVE -- merge the active layer too; needs --pivot or --keep-overlay
  option delete bool flag=VIR_DOMAIN_BLOCK_COMMIT_DELETE -- delete files that are no longer needed
  option wait bool -- wait until the job is done
  option verbose bool -- show progress
  option timeout int also-positional -- with --wait, seconds after which to abort
  option pivot bool -- end by switching the domain over
  option keep-overlay bool -- end without switching the domain over
  option async bool -- don't wait until the abort is done
  option keep-relative bool flag=VIR_DOMAIN_BLOCK_COMMIT_RELATIVE -- keep backing paths relative
  option bytes bool flag=VIR_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES -- the bandwidth is in bytes a second

command blockcopy
  summary copy a disk chain to a new place
  text Mirrors a disk of a running domain; when the mirror is in step the job waits for --pivot or --finish.
  handler cmd_blockcopy
  exclusive dest xml
  exclusive blockdev xml
  exclusive format xml
  exclusive pivot finish
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option dest string also-positional complete=file -- path of the copy
  option bandwidth int also-positional -- limit in MiB a second
  option shallow bool flag=VIR_DOMAIN_BLOCK_COPY_SHALLOW -- handle the top layer only
  option reuse-external bool flag=VIR_DOMAIN_BLOCK_COPY_REUSE_EXT -- use files that exist already
  option blockdev bool -- the copy is a block device
  option wait bool -- wait until the job is done
  option verbose bool -- show progress
  option timeout int also-positional -- with --wait, seconds after which to abort
  option pivot bool -- end by switching the domain over
  option finish bool -- end without switching the domain over
  option async bool -- don't wait until the abort is done
  option xml string also-positional complete=file -- file with XML that describes the copy
  option format string also-positional values=raw,qcow2 -- format of the copy
  option granularity int also-positional param=VIR_DOMAIN_BLOCK_COPY_GRANULARITY:uint -- bytes of a unit of the dirty map, a power of two
  option buf-size int also-positional param=VIR_DOMAIN_BLOCK_COPY_BUF_SIZE:ullong -- most bytes that may be in flight
  option bytes bool -- the bandwidth is in bytes a second
  option transient-job bool flag=VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB -- don't mind that the job ends with the domain
  option synchronous-writes bool flag=VIR_DOMAIN_BLOCK_COPY_SYNCHRONOUS_WRITES -- hold guest writes until the copy has them
  use print-xml
  option dest-is-zero bool flag=VIR_DOMAIN_BLOCK_COPY_TARGET_ZEROED -- the destination reads as zeroes already
  option-alias raw format raw

command blockjob
  summary look at or control the block job of a disk
  text Shows the job by default; --abort, --pivot, --async and the bandwidth change it.
  handler cmd_blockjob
  json block-job
  exclusive info abort
  exclusive info async
  exclusive info pivot
  exclusive info bandwidth
  exclusive raw abort
  exclusive raw async
  exclusive raw pivot
  exclusive raw bandwidth
  exclusive bytes abort
  exclusive bytes async
  exclusive bytes pivot
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option abort bool -- abort the job
  option async bool flag=VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC -- don't wait until the abort is done
  option pivot bool flag=VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT -- end by switching the domain over
  option info bool -- show the job
  option bytes bool -- the bandwidth is in bytes a second
  option raw bool -- show the job as key=value
  option bandwidth int also-positional -- limit in MiB a second

command blockpull
  summary fill an overlay from its backing images
  text Afterwards the disk depends no longer on the part of the chain that was pulled.
  handler cmd_blockpull
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option bandwidth int also-positional -- limit in MiB a second
  option base string also-positional complete=chain -- where the chain that is kept begins
  option wait bool -- wait until the job is done
  option verbose bool -- show progress
  option timeout int also-positional -- with --wait, seconds after which to abort
  option async bool -- don't wait until the abort is done
  option keep-relative bool flag=VIR_DOMAIN_BLOCK_REBASE_RELATIVE -- keep backing paths relative
  option bytes bool flag=VIR_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES -- the bandwidth is in bytes a second

command blockresize
  summary change the size of a disk of a running domain
  handler cmd_blockresize
  exclusive size capacity
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option size int positional -- new size, in KiB unless it has a suffix
  option capacity bool flag=VIR_DOMAIN_BLOCK_RESIZE_CAPACITY -- take the size from the block device
  option extend bool flag=VIR_DOMAIN_BLOCK_RESIZE_EXTEND -- only grow

command change-media
  summary change the medium of a CD-ROM or floppy drive
  text Default is to update the medium whatever the drive holds now.
  handler cmd_change_media
  exclusive eject insert update
  exclusive eject block
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option source string positional complete=file -- new medium
  option eject bool -- take the medium out
  option insert bool -- put a medium in
  option update bool -- replace the medium
  use current live config
  option force bool -- act even if the guest objects
  use print-xml
  option block bool -- the source is a block device

command console
  summary connect to a console of the domain
  text Connects the terminal with the first serial or other console, or the one named. The escape character, ^] by default, ends it.
  handler cmd_console
  use domain
  option devname string also-positional complete=console -- alias of the console or serial device
  option force bool -- throw out whoever is connected now
  option resume bool -- resume the domain after connecting
  option safe bool -- only where the driver can tell that nobody else is connected

command cpu-stats
  summary show CPU time of a domain, in total and for each host CPU
  handler cmd_cpu_stats
  use domain
  option total bool -- the total only
  option start int also-positional -- first CPU to show
  option count int also-positional -- how many CPUs to show

command create
  summary start a transient domain from an XML file
  text The domain vanishes when it stops, unless it has been defined too.
  handler cmd_create
  use xml-file
  option console bool -- connect to the console after the start
  option paused bool -- leave the domain paused
  option autodestroy bool -- destroy the domain when this connection ends
  option pass-fds string also-positional -- numbers of open file descriptors to pass on, separated by commas
  use validate
  option reset-nvram bool -- start with fresh firmware variables
  flag validate VIR_DOMAIN_START_VALIDATE

command define
  summary make a domain persistent from an XML file, without starting it
  text An existing domain with the same UUID gets the new definition.
  make domain virDomainDefineXML virDomainDefineXMLFlags
  done Domain '%s' defined from %s
  fail Failed to define domain from %s
  use xml-file validate
  flag validate VIR_DOMAIN_DEFINE_VALIDATE
  use compare
  exclusive check diff

command desc
  summary show or change a domain's description or title
  text Without new text the current one is shown.
  handler cmd_desc
  json description
  use domain live config current
  option title bool -- the title rather than the description
  option edit bool -- open an editor on the text
  option new-desc argv positional -- the new text

command destroy
  summary stop a domain at once
  text Like pulling the power cord; the guest gets no chance to save data. Its definition and disks stay. Use shutdown to ask the guest politely.
  handler cmd_destroy
  use domain
  option graceful bool -- only if the process ends when asked
  option remove-logs bool -- remove the domain's log files too

command detach-device
  summary unplug a device described by XML from a domain
  handler cmd_detach_device
  use domain xml-file
  option persistent bool -- change a running domain and its definition
  use config live current

command detach-device-alias
  summary unplug the device with a given alias
  handler cmd_detach_device_alias
  use domain
  option alias string positional required complete=alias -- alias of the device
  use config live current

command detach-disk
  summary unplug a disk
  handler cmd_detach_disk
  use domain
  option target string positional required complete=disk -- name of the device in the guest
  option persistent bool -- change a running domain and its definition
  use config live current print-xml

command detach-interface
  summary unplug a network interface
  text Give --mac when the domain has several interfaces of that type.
  handler cmd_detach_interface
  use domain
  option type string positional values=network,bridge,direct,hostdev,user,ethernet -- kind of source of the interface
  option mac string also-positional complete=mac -- MAC address
  option persistent bool -- change a running domain and its definition
  use config live current print-xml

command domdisplay
  summary print the URI of a domain's graphical display
  handler cmd_domdisplay
  use domain
  option include-password bool -- show the password in the URI
  option type string positional values=vnc,spice,rdp -- only a display of this kind, as vnc or spice
  option all bool -- all displays

command domfsfreeze
  summary freeze file systems inside the guest
  text Asks the guest agent to flush and freeze; until domfsthaw nothing can be written.
  handler cmd_domfsfreeze
  use domain
  option mountpoint argv positional -- mount points to act on; default is all

command domfsthaw
  summary thaw file systems inside the guest
  handler cmd_domfsthaw
  use domain
  option mountpoint argv positional -- mount points to act on; default is all

command domfsinfo
  summary list file systems mounted inside the guest
  handler cmd_domfsinfo
  json file-systems
  use domain

command domfstrim
  summary let the guest discard unused blocks
  handler cmd_domfstrim
  use domain
  option minimum int also-positional -- least bytes of a free run worth discarding
  option mountpoint string also-positional complete=mount-point -- mount point to act on; default is all

command domhostname
  summary print the host name of the guest
  handler cmd_domhostname
  json hostname
  use domain
  option source string also-positional values=agent,lease -- whom to ask: lease or agent

command domid
  summary print the ID of a domain
  text A domain that doesn't run has no ID, shown as '-'.
  handler cmd_domid
  json domain-id
  use domain

command domifannounce
  summary let guest interfaces announce themselves on the network
  handler cmd_domifannounce
  use domain
  option interface string positional complete=vnic -- interface, by target or MAC address
  option initial int param=VIR_DOMAIN_ANNOUNCE_INTERFACE_INITIAL:uint -- first delay in milliseconds
  option max int param=VIR_DOMAIN_ANNOUNCE_INTERFACE_MAX:uint -- longest delay in milliseconds
  option rounds int param=VIR_DOMAIN_ANNOUNCE_INTERFACE_ROUNDS:uint -- how many times
  option step int param=VIR_DOMAIN_ANNOUNCE_INTERFACE_STEP:uint -- milliseconds added to the delay each time

command domif-setlink
  summary plug or unplug the virtual cable of an interface
  handler cmd_domif_setlink
  use domain
  option interface string positional required complete=vnic -- interface, by target or MAC address
  option state string positional required values=up,down -- up or down
  use config print-xml
  option-alias persistent config

command domiftune
  summary show or set bandwidth limits of an interface
  handler cmd_domiftune
  json parameters
  use domain
  option interface string positional required complete=vnic -- interface, by target or MAC address
  option inbound string also-positional -- limits of incoming traffic: average,peak,burst,floor
  option outbound string also-positional -- limits of outgoing traffic: average,peak,burst
  use config live current

command domjobabort
  summary abort the active job of a domain
  handler cmd_domjobabort
  use domain
  option postcopy bool -- interrupt a post-copy migration

command domjobinfo
  summary show the active job of a domain
  text Progress and figures of a migration, save, dump or backup.
  handler cmd_domjobinfo
  json job-info
  use domain
  option completed bool -- figures of the job that ended last
  option keep-completed bool -- keep those figures for the next time
  option anystats bool -- show figures of any kind of job
  option rawstats bool -- show all figures as they come

command domlaunchsecinfo
  summary show launch security data of a domain
  handler cmd_domlaunchsecinfo
  json parameters
  use domain

command domsetlaunchsecstate
  summary inject a launch secret into a domain
  handler cmd_domsetlaunchsecstate
  use domain
  option secrethdr string complete=file -- file with the encrypted header
  option secret string complete=secret -- file with the encrypted secret
  option set-address int also-positional param=VIR_DOMAIN_LAUNCH_SECURITY_SEV_SECRET_SET_ADDRESS:ullong -- guest physical address to put it at

command domname
  summary print the name of a domain
  handler cmd_domname
  json domain-name
  use domain

command domrename
  summary give an inactive domain another name
  handler cmd_domrename
  use domain
  option new-name string positional required -- the new name

command dompmsuspend
  summary put the guest's own power management to sleep
  handler cmd_dompmsuspend
  use domain
  option target string positional required values=mem,disk,hybrid -- mem, disk or hybrid
  option duration int -- seconds to sleep, 0 for no limit

command dompmwakeup
  summary wake a domain that was suspended by dompmsuspend
  handler cmd_dompmwakeup
  use domain

command domuuid
  summary print the UUID of a domain
  handler cmd_domuuid
  json domain-uuid
  use domain

command domxml-from-native
  summary translate a hypervisor's own configuration into domain XML
  handler cmd_domxml_from_native
  option format string positional required values=qemu-argv,xen-xl,xen-xm -- format to translate from
  option config string positional required -- change the persistent definition (takes effect at the next start)

command domxml-to-native
  summary translate domain XML into a hypervisor's own configuration
  handler cmd_domxml_to_native
  option format string positional required values=qemu-argv,xen-xl,xen-xm -- format to translate to
  option domain string complete=domain -- name, ID or UUID of the domain
  option xml string also-positional complete=file -- file with the domain's XML

command dump
  summary write a core dump of a domain to a file
  handler cmd_dump
  use domain
  option file string positional required complete=file -- where to write the core
  option live bool -- keep the guest running meanwhile
  option crash bool -- crash the domain afterwards
  option bypass-cache bool -- avoid the host's page cache
  option reset bool -- reset the domain afterwards
  option verbose bool -- show progress
  option memory-only bool -- only memory and CPU state, not devices
  option format string also-positional values=elf,kdump-zlib,kdump-lzo,kdump-snappy,win-dmp -- format of the core, as elf or kdump-zlib

command dumpxml
  summary print the XML definition of a domain
  handler cmd_dumpxml
  use domain
  option inactive bool -- the persistent definition rather than the running state
  option security-info bool -- include secrets such as passwords
  option update-cpu bool -- take the host's CPU into account
  option migratable bool -- XML fit for migration to older versions
  use xpath wrap

command edit
  summary change the XML definition of a domain in an editor
  text Starts $VISUAL or $EDITOR on the inactive definition. The text is kept, and offered again, if it can't be accepted.
  handler cmd_edit
  use domain
  option skip-validate bool -- don't check the XML against the schema

command get-user-sshkeys
  summary list a guest user's authorized SSH keys (by the agent)
  handler cmd_get_user_sshkeys
  json key-list
  use domain
  option user string positional required -- name of the user in the guest

command inject-nmi
  summary send a non-maskable interrupt to a domain
  handler cmd_inject_nmi
  use domain

command iothreadinfo
  summary list the I/O threads of a domain
  handler cmd_iothreadinfo
  json iothread-list
  use domain config live current

command iothreadpin
  summary bind an I/O thread to host CPUs
  handler cmd_iothreadpin
  use domain
  option iothread int positional required complete=iothread -- number of the I/O thread
  option cpulist string positional required complete=host-cpu -- CPUs, as 0-3,^2
  use config live current

command iothreadadd
  summary add an I/O thread to a domain
  handler cmd_iothreadadd
  use domain
  option id int positional required -- number of the I/O thread
  use config live current

command iothreadset
  summary change parameters of an I/O thread
  handler cmd_iothreadset
  use domain
  option id int positional required complete=iothread -- number of the I/O thread
  option poll-max-ns int also-positional param=VIR_DOMAIN_IOTHREAD_POLL_MAX_NS:ullong -- longest polling time in nanoseconds
  option poll-grow int also-positional param=VIR_DOMAIN_IOTHREAD_POLL_GROW:uint -- factor by which polling grows
  option poll-shrink int also-positional param=VIR_DOMAIN_IOTHREAD_POLL_SHRINK:uint -- factor by which polling shrinks
  option poll-weight int param=VIR_DOMAIN_IOTHREAD_POLL_WEIGHT:uint -- weight of the latest interval in the polling estimate
  option thread-pool-min int also-positional param=VIR_DOMAIN_IOTHREAD_THREAD_POOL_MIN:int -- least worker threads
  option thread-pool-max int also-positional param=VIR_DOMAIN_IOTHREAD_THREAD_POOL_MAX:int -- most worker threads
  use config live current

command iothreaddel
  summary delete an I/O thread from a domain
  handler cmd_iothreaddel
  use domain
  option id int positional required complete=iothread -- number of the I/O thread
  use config live current

command send-key
  summary press keys on the guest's keyboard
  text Keys are numbers or names of the code set; all those given are pressed together.
  handler cmd_send_key
  use domain
  option codeset string values=linux,xt,atset1,atset2,atset3,os_x,xt_kbd,usb,win32,qnum -- code set of the keys; default is linux
  option holdtime int -- milliseconds to hold the keys
  option keycode argv positional required complete=keycode -- number or name of a key

command send-process-signal
  summary send a signal to a process in the guest
  handler cmd_send_process_signal
  use domain
  option pid string positional required -- number of the process
  option signame string positional required values=nop,hup,int,quit,ill,trap,abrt,bus,fpe,kill,usr1,segv,usr2,pipe,alrm,term,stkflt,chld,cont,stop,tstp,ttin,ttou,urg,xcpu,xfsz,vtalrm,prof,winch,poll,pwr,sys -- number or name of the signal

command lxc-enter-namespace
  summary run a command inside a container
  handler cmd_lxc_enter_namespace
  use domain
  option noseclabel bool -- keep the security label of this process
  option cmd argv positional required -- command and its arguments
