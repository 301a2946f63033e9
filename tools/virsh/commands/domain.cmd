# SPDX-License-Identifier: LGPL-2.1-or-later

group domain
  title Domain Management
  order 1

command attach-device
  summary plug a device described by XML into a domain
  text The file holds one element of the devices section of a domain definition.
  todo not written yet
  use domain xml-file
  option persistent bool -- change a running domain and its definition
  use config live current

command attach-disk
  summary plug a disk into a domain
  text Builds the disk element from the options given; --print-xml shows it without attaching anything.
  todo not written yet
  use domain
  option source string positional required allow-empty complete=file -- file, device or name of the network disk
  option target string positional required -- name of the device in the guest
  option targetbus string values=virtio,ide,sata,scsi,usb,fdc -- bus of the disk in the guest
  option driver string values=qemu,phy -- driver of the disk
  option subdriver string values=raw,qcow2,vmdk,vdi,luks -- format of the disk
  option iothread string -- number of the I/O thread
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
  option throttle-groups string -- throttle groups of the disk, separated by commas
  option persistent bool -- change a running domain and its definition
  use config live current
  option-alias shareable mode shareable

command attach-interface
  summary plug a network interface into a domain
  text Builds the interface element from the options given; --print-xml shows it without attaching anything.
  todo not written yet
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
  todo not written yet
  use domain
  option disable bool -- don't start it automatically
  option once bool -- only at the next boot of the host

command blkdeviotune
  summary show or set I/O limits of a disk
  text Without any limit the current ones are shown. A limit of 0 means no limit. Sizes take the usual suffixes.
  todo not written yet
  use domain
  option device string positional required complete=disk -- disk, by target or source
  option group-name string -- group that shares the limits
  option total-bytes-sec int -- bytes a second, read and written
  option read-bytes-sec int -- bytes read a second
  option write-bytes-sec int -- bytes written a second
  option total-iops-sec int -- operations a second
  option read-iops-sec int -- read operations a second
  option write-iops-sec int -- write operations a second
  option total-bytes-sec-max int -- peak of total-bytes-sec
  option read-bytes-sec-max int -- peak of read-bytes-sec
  option write-bytes-sec-max int -- peak of write-bytes-sec
  option total-iops-sec-max int -- peak of total-iops-sec
  option read-iops-sec-max int -- peak of read-iops-sec
  option write-iops-sec-max int -- peak of write-iops-sec
  option size-iops-sec int -- bytes that count as one operation
  option total-bytes-sec-max-length int -- seconds that the peak of total-bytes-sec may last
  option read-bytes-sec-max-length int -- seconds that the peak of read-bytes-sec may last
  option write-bytes-sec-max-length int -- seconds that the peak of write-bytes-sec may last
  option total-iops-sec-max-length int -- seconds that the peak of total-iops-sec may last
  option read-iops-sec-max-length int -- seconds that the peak of read-iops-sec may last
  option write-iops-sec-max-length int -- seconds that the peak of write-iops-sec may last
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
  todo not written yet
  use domain
  option group-name string positional required -- throttle group
  option total-bytes-sec int -- bytes a second, read and written
  option read-bytes-sec int -- bytes read a second
  option write-bytes-sec int -- bytes written a second
  option total-iops-sec int -- operations a second
  option read-iops-sec int -- read operations a second
  option write-iops-sec int -- write operations a second
  option total-bytes-sec-max int -- peak of total-bytes-sec
  option read-bytes-sec-max int -- peak of read-bytes-sec
  option write-bytes-sec-max int -- peak of write-bytes-sec
  option total-iops-sec-max int -- peak of total-iops-sec
  option read-iops-sec-max int -- peak of read-iops-sec
  option write-iops-sec-max int -- peak of write-iops-sec
  option size-iops-sec int -- bytes that count as one operation
  option total-bytes-sec-max-length int -- seconds that the peak of total-bytes-sec may last
  option read-bytes-sec-max-length int -- seconds that the peak of read-bytes-sec may last
  option write-bytes-sec-max-length int -- seconds that the peak of write-bytes-sec may last
  option total-iops-sec-max-length int -- seconds that the peak of total-iops-sec may last
  option read-iops-sec-max-length int -- seconds that the peak of read-iops-sec may last
  option write-iops-sec-max-length int -- seconds that the peak of write-iops-sec may last
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
  todo not written yet
  use domain
  option group-name string positional required -- throttle group
  use config live current

command domthrottlegroupinfo
  summary show the limits of a throttle group
  todo not written yet
  use domain
  option group-name string positional required -- throttle group
  option inactive bool -- the persistent definition rather than the running state

command domthrottlegrouplist
  summary list the throttle groups of a domain
  todo not written yet
  use domain
  option inactive bool -- the persistent definition rather than the running state

command blkiotune
  summary show or set block I/O parameters of a domain
  text Without parameters the current ones are shown.
  todo not written yet
  use domain
  option weight int also-positional -- I/O weight of the domain
  option device-weights string also-positional -- weights per device: path,weight,...
  option device-read-iops-sec string also-positional -- read operations a second per device: path,limit,...
  option device-write-iops-sec string also-positional -- write operations a second per device: path,limit,...
  option device-read-bytes-sec string also-positional -- bytes read a second per device: path,limit,...
  option device-write-bytes-sec string also-positional -- bytes written a second per device: path,limit,...
  use config live current

command blockcommit
  summary merge an overlay into its backing image
  text Moves the data of one or more layers of a disk's chain down into a lower layer, while the domain runs.
  todo not written yet
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option bandwidth int also-positional -- limit in MiB a second
  option base string also-positional -- where the chain that is kept begins
  option shallow bool -- handle the top layer only
  option top string also-positional -- layer where the merge begins; default is the active one
  option active bool -- merge the active layer too; needs --pivot or --keep-overlay
  option delete bool -- delete files that are no longer needed
  option wait bool -- wait until the job is done
  option verbose bool -- show progress
  option timeout int also-positional -- with --wait, seconds after which to abort
  option pivot bool -- end by switching the domain over
  option keep-overlay bool -- end without switching the domain over
  option async bool -- don't wait until the abort is done
  option keep-relative bool -- keep backing paths relative
  option bytes bool -- the bandwidth is in bytes a second

command blockcopy
  summary copy a disk chain to a new place
  text Mirrors a disk of a running domain; when the mirror is in step the job waits for --pivot or --finish.
  todo not written yet
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option dest string also-positional -- path of the copy
  option bandwidth int also-positional -- limit in MiB a second
  option shallow bool -- handle the top layer only
  option reuse-external bool -- use files that exist already
  option blockdev bool -- the copy is a block device
  option wait bool -- wait until the job is done
  option verbose bool -- show progress
  option timeout int also-positional -- with --wait, seconds after which to abort
  option pivot bool -- end by switching the domain over
  option finish bool -- end without switching the domain over
  option async bool -- don't wait until the abort is done
  option xml string also-positional complete=file -- file with XML that describes the copy
  option format string also-positional values=raw,qcow2 -- format of the copy
  option granularity int also-positional -- bytes of a unit of the dirty map, a power of two
  option buf-size int also-positional -- most bytes that may be in flight
  option bytes bool -- the bandwidth is in bytes a second
  option transient-job bool -- don't mind that the job ends with the domain
  option synchronous-writes bool -- hold guest writes until the copy has them
  use print-xml
  option dest-is-zero bool -- the destination reads as zeroes already
  option-alias raw format raw

command blockjob
  summary look at or control the block job of a disk
  text Shows the job by default; --abort, --pivot, --async and the bandwidth change it.
  todo not written yet
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option abort bool -- abort the job
  option async bool -- don't wait until the abort is done
  option pivot bool -- end by switching the domain over
  option info bool -- show the job
  option bytes bool -- the bandwidth is in bytes a second
  option raw bool -- show the job as key=value
  option bandwidth int also-positional -- limit in MiB a second

command blockpull
  summary fill an overlay from its backing images
  text Afterwards the disk depends no longer on the part of the chain that was pulled.
  todo not written yet
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option bandwidth int also-positional -- limit in MiB a second
  option base string also-positional -- where the chain that is kept begins
  option wait bool -- wait until the job is done
  option verbose bool -- show progress
  option timeout int also-positional -- with --wait, seconds after which to abort
  option async bool -- don't wait until the abort is done
  option keep-relative bool -- keep backing paths relative
  option bytes bool -- the bandwidth is in bytes a second

command blockresize
  summary change the size of a disk of a running domain
  todo not written yet
  use domain
  option path string positional required complete=disk -- disk, by target or source
  option size int positional -- new size, in KiB unless it has a suffix
  option capacity bool -- take the size from the block device
  option extend bool -- only grow

command change-media
  summary change the medium of a CD-ROM or floppy drive
  text Default is to update the medium whatever the drive holds now.
  todo not written yet
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
  todo not written yet
  use domain
  option devname string also-positional complete=console -- alias of the console or serial device
  option force bool -- throw out whoever is connected now
  option resume bool -- resume the domain after connecting
  option safe bool -- only where the driver can tell that nobody else is connected

command cpu-stats
  summary show CPU time of a domain, in total and for each host CPU
  todo not written yet
  use domain
  option total bool -- the total only
  option start int also-positional -- first CPU to show
  option count int also-positional -- how many CPUs to show

command create
  summary start a transient domain from an XML file
  text The domain vanishes when it stops, unless it has been defined too.
  todo not written yet
  use xml-file
  option console bool -- connect to the console after the start
  option paused bool -- leave the domain paused
  option autodestroy bool -- destroy the domain when this connection ends
  option pass-fds string also-positional -- numbers of open file descriptors to pass on, separated by commas
  use validate
  option reset-nvram bool -- start with fresh firmware variables

command define
  summary make a domain persistent from an XML file, without starting it
  text An existing domain with the same UUID gets the new definition.
  todo not written yet
  use xml-file validate

command desc
  summary show or change a domain's description or title
  text Without new text the current one is shown.
  todo not written yet
  use domain live config current
  option title bool -- the title rather than the description
  option edit bool -- open an editor on the text
  option new-desc argv positional -- the new text

command destroy
  summary stop a domain at once
  text Like pulling the power cord; the guest gets no chance to save data. Its definition and disks stay. Use shutdown to ask the guest politely.
  todo not written yet
  use domain
  option graceful bool -- only if the process ends when asked
  option remove-logs bool -- remove the domain's log files too

command detach-device
  summary unplug a device described by XML from a domain
  todo not written yet
  use domain xml-file
  option persistent bool -- change a running domain and its definition
  use config live current

command detach-device-alias
  summary unplug the device with a given alias
  todo not written yet
  use domain
  option alias string positional required complete=alias -- alias of the device
  use config live current

command detach-disk
  summary unplug a disk
  todo not written yet
  use domain
  option target string positional required complete=disk -- name of the device in the guest
  option persistent bool -- change a running domain and its definition
  use config live current print-xml

command detach-interface
  summary unplug a network interface
  text Give --mac when the domain has several interfaces of that type.
  todo not written yet
  use domain
  option type string positional values=network,bridge,direct,hostdev,user,ethernet -- kind of source of the interface
  option mac string also-positional complete=mac -- MAC address
  option persistent bool -- change a running domain and its definition
  use config live current print-xml

command domdisplay
  summary print the URI of a domain's graphical display
  todo not written yet
  use domain
  option include-password bool -- show the password in the URI
  option type string positional values=vnc,spice,rdp -- only a display of this kind, as vnc or spice
  option all bool -- all displays

command domfsfreeze
  summary freeze file systems inside the guest
  text Asks the guest agent to flush and freeze; until domfsthaw nothing can be written.
  todo not written yet
  use domain
  option mountpoint argv positional -- mount points to act on; default is all

command domfsthaw
  summary thaw file systems inside the guest
  todo not written yet
  use domain
  option mountpoint argv positional -- mount points to act on; default is all

command domfsinfo
  summary list file systems mounted inside the guest
  todo not written yet
  use domain

command domfstrim
  summary let the guest discard unused blocks
  todo not written yet
  use domain
  option minimum int also-positional -- least bytes of a free run worth discarding
  option mountpoint string also-positional -- mount point to act on; default is all

command domhostname
  summary print the host name of the guest
  todo not written yet
  use domain
  option source string also-positional values=agent,lease -- whom to ask: lease or agent

command domid
  summary print the ID of a domain
  text A domain that doesn't run has no ID, shown as '-'.
  todo not written yet
  use domain

command domifannounce
  summary let guest interfaces announce themselves on the network
  todo not written yet
  use domain
  option interface string positional complete=vnic -- interface, by target or MAC address
  option initial int -- first delay in milliseconds
  option max int -- longest delay in milliseconds
  option rounds int -- how many times
  option step int -- milliseconds added to the delay each time

command domif-setlink
  summary plug or unplug the virtual cable of an interface
  todo not written yet
  use domain
  option interface string positional required complete=vnic -- interface, by target or MAC address
  option state string positional required values=up,down -- up or down
  use config print-xml
  option-alias persistent config

command domiftune
  summary show or set bandwidth limits of an interface
  todo not written yet
  use domain
  option interface string positional required complete=vnic -- interface, by target or MAC address
  option inbound string also-positional -- limits of incoming traffic: average,peak,burst,floor
  option outbound string also-positional -- limits of outgoing traffic: average,peak,burst
  use config live current

command domjobabort
  summary abort the active job of a domain
  todo not written yet
  use domain
  option postcopy bool -- interrupt a post-copy migration

command domjobinfo
  summary show the active job of a domain
  text Progress and figures of a migration, save, dump or backup.
  todo not written yet
  use domain
  option completed bool -- figures of the job that ended last
  option keep-completed bool -- keep those figures for the next time
  option anystats bool -- show figures of any kind of job
  option rawstats bool -- show all figures as they come

command domlaunchsecinfo
  summary show launch security data of a domain
  todo not written yet
  use domain

command domsetlaunchsecstate
  summary inject a launch secret into a domain
  todo not written yet
  use domain
  option secrethdr string complete=file -- file with the encrypted header
  option secret string complete=secret -- file with the encrypted secret
  option set-address int also-positional -- guest physical address to put it at

command domname
  summary print the name of a domain
  todo not written yet
  use domain

command domrename
  summary give an inactive domain another name
  todo not written yet
  use domain
  option new-name string positional required -- the new name

command dompmsuspend
  summary put the guest's own power management to sleep
  todo not written yet
  use domain
  option target string positional required values=mem,disk,hybrid -- mem, disk or hybrid
  option duration int -- seconds to sleep, 0 for no limit

command dompmwakeup
  summary wake a domain that was suspended by dompmsuspend
  todo not written yet
  use domain

command domuuid
  summary print the UUID of a domain
  todo not written yet
  use domain

command domxml-from-native
  summary translate a hypervisor's own configuration into domain XML
  todo not written yet
  option format string positional required values=qemu-argv,xen-xl,xen-xm -- format to translate from
  option config string positional required -- change the persistent definition (takes effect at the next start)

command domxml-to-native
  summary translate domain XML into a hypervisor's own configuration
  todo not written yet
  option format string positional required values=qemu-argv,xen-xl,xen-xm -- format to translate to
  option domain string complete=domain -- name, ID or UUID of the domain
  option xml string also-positional complete=file -- file with the domain's XML

command dump
  summary write a core dump of a domain to a file
  todo not written yet
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
  todo not written yet
  use domain
  option inactive bool -- the persistent definition rather than the running state
  option security-info bool -- include secrets such as passwords
  option update-cpu bool -- take the host's CPU into account
  option migratable bool -- XML fit for migration to older versions
  use xpath wrap

command edit
  summary change the XML definition of a domain in an editor
  text Starts $VISUAL or $EDITOR on the inactive definition. The text is kept, and offered again, if it can't be accepted.
  todo not written yet
  use domain
  option skip-validate bool -- don't check the XML against the schema

command get-user-sshkeys
  summary list a guest user's authorized SSH keys (by the agent)
  todo not written yet
  use domain
  option user string positional required -- name of the user in the guest

command inject-nmi
  summary send a non-maskable interrupt to a domain
  todo not written yet
  use domain

command iothreadinfo
  summary list the I/O threads of a domain
  todo not written yet
  use domain config live current

command iothreadpin
  summary bind an I/O thread to host CPUs
  todo not written yet
  use domain
  option iothread int positional required -- number of the I/O thread
  option cpulist string positional required -- CPUs, as 0-3,^2
  use config live current

command iothreadadd
  summary add an I/O thread to a domain
  todo not written yet
  use domain
  option id int positional required -- number of the I/O thread
  use config live current

command iothreadset
  summary change parameters of an I/O thread
  todo not written yet
  use domain
  option id int positional required -- number of the I/O thread
  option poll-max-ns int also-positional -- longest polling time in nanoseconds
  option poll-grow int also-positional -- factor by which polling grows
  option poll-shrink int also-positional -- factor by which polling shrinks
  option poll-weight int -- weight of the latest interval in the polling estimate
  option thread-pool-min int also-positional -- least worker threads
  option thread-pool-max int also-positional -- most worker threads
  use config live current

command iothreaddel
  summary delete an I/O thread from a domain
  todo not written yet
  use domain
  option id int positional required -- number of the I/O thread
  use config live current

command send-key
  summary press keys on the guest's keyboard
  text Keys are numbers or names of the code set; all those given are pressed together.
  todo not written yet
  use domain
  option codeset string values=linux,xt,atset1,atset2,atset3,os_x,xt_kbd,usb,win32,qnum -- code set of the keys; default is linux
  option holdtime int -- milliseconds to hold the keys
  option keycode argv positional required complete=keycode -- number or name of a key

command send-process-signal
  summary send a signal to a process in the guest
  todo not written yet
  use domain
  option pid string positional required -- number of the process
  option signame string positional required values=nop,hup,int,quit,ill,trap,abrt,bus,fpe,kill,usr1,segv,usr2,pipe,alrm,term,stkflt,chld,cont,stop,tstp,ttin,ttou,urg,xcpu,xfsz,vtalrm,prof,winch,poll,pwr,sys -- number or name of the signal

command lxc-enter-namespace
  summary run a command inside a container
  todo not written yet
  use domain
  option noseclabel bool -- keep the security label of this process
  option cmd argv positional required -- command and its arguments

command managedsave
  summary save a domain to a file kept by the daemon and stop it
  text The next start resumes it from there.
  todo not written yet
  use domain
  option bypass-cache bool -- avoid the host's page cache
  option running bool -- the next start leaves the domain running
  option paused bool -- the next start leaves the domain paused
  option verbose bool -- show progress

command managedsave-remove
  summary throw away a managed save image
  text The next start is then an ordinary boot.
  todo not written yet
  use domain

command managedsave-edit
  summary change the XML in a managed save image in an editor
  todo not written yet
  use domain
  option running bool -- the next start leaves the domain running
  option paused bool -- the next start leaves the domain paused

command managedsave-dumpxml
  summary print the XML in a managed save image
  todo not written yet
  use domain
  option security-info bool -- include secrets such as passwords
  use xpath wrap

command managedsave-define
  summary replace the XML in a managed save image
  todo not written yet
  use domain
  option xml string positional required complete=file -- file with the new XML
  option running bool -- the next start leaves the domain running
  option paused bool -- the next start leaves the domain paused

command memtune
  summary show or set memory limits of a domain
  text Sizes are in KiB unless they have a suffix; -1 means unlimited.
  todo not written yet
  use domain
  option hard-limit int also-positional -- most memory the domain may use
  option soft-limit int also-positional -- memory left to it when memory is short
  option swap-hard-limit int also-positional -- most memory plus swap
  option min-guarantee int also-positional -- least memory guaranteed
  use config live current

command perf
  summary show or set the performance events of a domain
  todo not written yet
  use domain
  option enable string also-positional -- events to switch on, separated by commas
  option disable string also-positional -- events to switch off, separated by commas
  use config live current

command metadata
  summary show or change custom metadata of a domain
  text The element with the given namespace URI is shown, set (with --key as its prefix) or removed.
  todo not written yet
  use domain
  option uri string positional required -- namespace URI of the metadata
  use live config current
  option edit bool -- open an editor on the text
  option key string also-positional -- prefix to use for the namespace
  option set string also-positional -- the XML of the new element
  option remove bool -- remove the element

command migrate
  summary move a domain to another host
  todo not written yet
  use domain
  option desturi string positional required -- URI of the destination host
  option live bool -- keep the guest running during migration
  option offline bool -- move the definition of a domain that doesn't run
  option p2p bool -- let the hosts talk to each other directly
  option direct bool -- let the hypervisor alone do it
  option tunnelled bool -- send the data through the daemons' connection
  option persistent bool -- make the domain persistent on the destination
  option undefinesource bool -- undefine the domain here afterwards
  option suspend bool -- leave the domain paused on the destination
  option copy-storage-all bool -- copy disks that aren't shared
  option copy-storage-inc bool -- copy disks that aren't shared, only the top layer
  option copy-storage-synchronous-writes bool -- hold guest writes until the destination has them
  option change-protection bool -- forbid other changes meanwhile
  option unsafe bool -- migrate even if disks may be harmed
  option verbose bool -- show progress
  option compressed bool -- compress the data
  option auto-converge bool -- slow the guest down if needed to finish
  option rdma-pin-all bool -- pin all memory before an RDMA migration
  option abort-on-error bool -- stop at disk errors of the guest
  option postcopy bool -- allow a switch to post-copy
  option postcopy-after-precopy bool -- switch to post-copy after the first round
  option postcopy-resume bool -- go on with an interrupted post-copy migration
  option zerocopy bool -- send memory pages without copying them
  option migrateuri string also-positional -- URI for the migration data; default is found by the hosts
  option graphicsuri string also-positional -- URI that display clients are sent to
  option listen-address string also-positional -- address that the destination listens on
  option dname string also-positional -- name of the domain on the destination
  option timeout int also-positional -- seconds after which to act if a live migration isn't done
  option timeout-suspend bool -- at the timeout, pause the guest (default)
  option timeout-postcopy bool -- at the timeout, switch to post-copy
  option xml string also-positional complete=file -- file with XML for the domain on the destination
  option migrate-disks string also-positional complete=disk-list -- disks to copy, separated by commas
  option migrate-disks-detect-zeroes string -- disks whose zeroes are left out, separated by commas
  option migrate-disks-target-zero string -- disks that read as zeroes on the destination, separated by commas
  option disks-port int also-positional -- port for disk data
  option disks-uri string -- URI for disk data
  option comp-methods string -- ways of compression, separated by commas
  option comp-mt-level int -- level of multithreaded compression
  option comp-mt-threads int -- threads that compress
  option comp-mt-dthreads int -- threads that decompress
  option comp-xbzrle-cache int -- bytes of the XBZRLE cache
  option auto-converge-initial int -- per cent of CPU time taken at first
  option auto-converge-increment int -- per cent taken in addition each time
  option persistent-xml string complete=file -- file with XML for the persistent definition on the destination
  option tls bool -- encrypt the migration data
  option postcopy-bandwidth int -- limit of the post-copy phase in MiB a second
  option parallel bool -- use several connections
  option parallel-connections int -- number of connections
  option bandwidth int -- limit in MiB a second
  option tls-destination string -- host name in the destination's certificate
  option comp-zlib-level int -- level of zlib compression
  option comp-zstd-level int -- level of zstd compression
  option available-switchover-bandwidth int -- bandwidth in MiB a second to reckon with for the last phase
  option-alias tunneled tunnelled

command migrate-setmaxdowntime
  summary set how long a live migration may pause the domain
  todo not written yet
  use domain
  option downtime int positional required -- milliseconds

command migrate-getmaxdowntime
  summary print how long a live migration may pause the domain
  todo not written yet
  use domain

command migrate-compcache
  summary show or set the size of the migration compression cache
  todo not written yet
  use domain
  option size int -- bytes of the cache

command migrate-setspeed
  summary limit the bandwidth of migrations
  todo not written yet
  use domain
  option bandwidth int positional required -- limit in MiB a second
  option postcopy bool -- the limit of the post-copy phase

command migrate-getspeed
  summary print the bandwidth limit of migrations
  todo not written yet
  use domain
  option postcopy bool -- the limit of the post-copy phase

command migrate-postcopy
  summary switch a running migration to post-copy
  todo not written yet
  use domain

command numatune
  summary show or set NUMA placement of a domain
  todo not written yet
  use domain
  option mode string also-positional values=strict,preferred,interleave,restrictive -- strict, preferred, interleave or restrictive
  option nodeset string also-positional -- NUMA nodes, as 0-1
  use config live current

command qemu-attach
  summary take over a QEMU process started outside
  todo not written yet
  option pid string positional required -- number of the process

command qemu-monitor-command
  summary send a command to a domain's QEMU monitor
  text The words are joined with blanks. For debugging; it marks the domain as tainted.
  todo not written yet
  use domain
  option hmp bool -- the command is in the human monitor's language
  option pretty bool -- make the JSON readable
  option return-value bool -- print the return member of the answer only
  option pass-fds string -- numbers of open file descriptors to pass on, separated by commas
  option cmd argv positional required -- the command

command qemu-monitor-event
  summary wait for raw QEMU events
  todo not written yet
  option domain string also-positional complete=domain -- only events of this domain (name, ID or UUID)
  option event string also-positional -- only events of this name
  option pretty bool -- make the JSON readable
  option loop bool -- go on after the first event
  option timeout int also-positional -- seconds after which to give up
  option regex bool -- the event's name is a regular expression
  option no-case bool -- upper and lower case are alike
  option timestamp bool -- show the time of each event

command qemu-agent-command
  summary send a command to the guest agent
  todo not written yet
  use domain
  option timeout int -- seconds to wait for the answer
  option async bool -- don't wait for the answer
  option block bool -- wait for ever
  option pretty bool -- make the JSON readable
  option cmd argv positional required -- the command as JSON

command guest-agent-timeout
  summary set how long to wait for the guest agent
  todo not written yet
  use domain
  option timeout int -- seconds to wait for an answer; -2 for ever, -1 default, 0 not at all

command reboot
  summary restart the guest
  todo not written yet
  use domain
  option mode string positional values=acpi,agent,initctl,signal,paravirt -- ways to ask, separated by commas: acpi, agent, initctl, signal, paravirt

command reset
  summary press the reset button of a domain
  todo not written yet
  use domain

command restore
  summary start a domain from a state saved to a file
  todo not written yet
  option file string positional required complete=file -- file with the saved state
  option bypass-cache bool -- avoid the host's page cache
  option parallel-channels int -- number of files written or read at once
  option xml string also-positional complete=file -- file with XML to use in place of what was saved
  option running bool -- leave the domain running
  option paused bool -- leave the domain paused
  option reset-nvram bool -- start with fresh firmware variables

command resume
  summary let a suspended domain go on
  todo not written yet
  use domain

command save
  summary save a domain's state to a file and stop it
  todo not written yet
  use domain
  option file string positional required complete=file -- where to write the state
  option bypass-cache bool -- avoid the host's page cache
  option parallel-channels int -- number of files written or read at once
  option image-format string values=raw,sparse,zstd,gzip,bzip2,xz,lzop -- format of the image
  option xml string also-positional complete=file -- file with XML to use in place of what was saved
  option running bool -- the restored domain is left running
  option paused bool -- the restored domain is left paused
  option verbose bool -- show progress

command save-image-define
  summary replace the XML in a save image
  todo not written yet
  option file string positional required complete=file -- file with the saved state
  option xml string positional required complete=file -- file with the new XML
  option running bool -- the restored domain is left running
  option paused bool -- the restored domain is left paused

command save-image-dumpxml
  summary print the XML in a save image
  todo not written yet
  option file string positional required complete=file -- file with the saved state
  option security-info bool -- include secrets such as passwords
  use xpath wrap

command save-image-edit
  summary change the XML in a save image in an editor
  todo not written yet
  option file string positional required complete=file -- file with the saved state
  option running bool -- the restored domain is left running
  option paused bool -- the restored domain is left paused

command schedinfo
  summary show or set CPU scheduler parameters of a domain
  todo not written yet
  use domain
  option weight int -- CPU weight of the domain
  option cap int -- CPU cap of the domain
  use current config live
  option set argv positional -- name=value of a parameter

command screenshot
  summary store a picture of the guest's screen
  todo not written yet
  use domain
  option file string also-positional complete=file -- where to store the picture
  option screen int also-positional -- number of the screen; default is the first

command set-lifecycle-action
  summary change what happens on power-off, reboot or crash
  todo not written yet
  use domain
  option type string positional required values=poweroff,reboot,crash -- poweroff, reboot or crash
  option action string positional required values=destroy,restart,rename-restart,preserve,coredump-destroy,coredump-restart -- what to do, as destroy, restart or preserve
  use config live current

command set-user-sshkeys
  summary change a guest user's authorized SSH keys (by the agent)
  todo not written yet
  use domain
  option user string positional required -- name of the user in the guest
  option file string positional complete=file -- file with the keys, one a line
  option reset bool -- remove all other keys
  option remove bool -- remove the keys

command set-user-password
  summary set a user's password inside the guest
  todo not written yet
  use domain
  option user string positional required -- name of the user in the guest
  option password string positional required -- the new password
  option encrypted bool -- the password is encrypted already

command setmaxmem
  summary change the memory limit of a domain
  text In KiB unless the size has a suffix.
  todo not written yet
  use domain
  option size int positional required -- new limit, in KiB unless it has a suffix
  use config live current
  option-alias kilobytes size

command setmem
  summary change the memory of a domain
  text In KiB unless the size has a suffix. A running guest needs a balloon driver to follow.
  todo not written yet
  use domain
  option size int positional required -- new size, in KiB unless it has a suffix
  use config live current
  option-alias kilobytes size

command setvcpus
  summary change the number of virtual CPUs
  todo not written yet
  use domain
  option count int positional required -- number of virtual CPUs
  option maximum bool -- change the maximum, for the next start
  use config live current
  option guest bool -- change CPU states in the guest (by the agent)
  option hotpluggable bool -- make new CPUs such that they can be unplugged
  option async bool -- don't wait for the guest

command shutdown
  summary ask the guest to power off
  text How the guest reacts is its own affair; --mode chooses the way to ask it.
  todo not written yet
  use domain
  option mode string positional values=acpi,agent,initctl,signal,paravirt -- ways to ask, separated by commas: acpi, agent, initctl, signal, paravirt

command start
  summary start a defined domain
  text From its managed save image, if there is one.
  todo not written yet
  use domain
  option console bool -- connect to the console after the start
  option paused bool -- leave the domain paused
  option autodestroy bool -- destroy the domain when this connection ends
  option bypass-cache bool -- avoid the host's page cache
  option force-boot bool -- boot afresh, without the managed save image
  option pass-fds string also-positional -- numbers of open file descriptors to pass on, separated by commas
  option reset-nvram bool -- start with fresh firmware variables

command suspend
  summary pause a domain
  text It keeps its memory and gets no CPU time until resume.
  todo not written yet
  use domain

command ttyconsole
  summary print the terminal device of a domain's console
  todo not written yet
  use domain

command undefine
  summary delete the definition of a domain
  text A running domain becomes transient. State kept beside the definition has to be named: see the options.
  todo not written yet
  use domain
  option managed-save bool -- remove the managed save image too
  option storage string also-positional complete=disk-list -- disks whose volumes to delete, by target or source, separated by commas
  option remove-all-storage bool -- delete the volumes of all disks
  option delete-storage-volume-snapshots bool -- delete snapshots of those volumes too
  option wipe-storage bool -- overwrite the volumes first
  option snapshots-metadata bool -- remove the records of snapshots too
  option checkpoints-metadata bool -- remove the records of checkpoints too
  option nvram bool -- remove the firmware variables
  option keep-nvram bool -- keep the firmware variables
  option tpm bool -- remove the TPM state
  option keep-tpm bool -- keep the TPM state
  option-alias delete-snapshots delete-storage-volume-snapshots

command update-device
  summary change a device of a domain by XML
  todo not written yet
  use domain xml-file
  option persistent bool -- change a running domain and its definition
  use config live current
  option force bool -- act even if the guest objects

command update-memory-device
  summary change a memory device of a domain
  todo not written yet
  use domain config live current print-xml
  option alias string also-positional complete=alias -- alias of the device
  option node int also-positional -- guest NUMA node of the device
  option requested-size int also-positional -- size to ask of the guest

command vcpucount
  summary print numbers of virtual CPUs
  todo not written yet
  use domain
  option maximum bool -- the maximum
  option active bool -- number in use by the running domain
  use live config current
  option guest bool -- number online in the guest (by the agent)

command vcpuinfo
  summary show details of the virtual CPUs
  todo not written yet
  use domain
  option pretty bool -- show affinity as a list

command vcpupin
  summary show or set binding of virtual CPUs to host CPUs
  todo not written yet
  use domain
  option vcpu int also-positional -- number of the virtual CPU
  option cpulist string also-positional allow-empty -- CPUs, as 0-3,^2
  use config live current

command emulatorpin
  summary show or set binding of the emulator to host CPUs
  todo not written yet
  use domain
  option cpulist string also-positional allow-empty -- CPUs, as 0-3,^2
  use config live current

command vncdisplay
  summary print address and number of a domain's VNC display
  todo not written yet
  use domain

command guestvcpus
  summary show or change CPU states inside the guest (by the agent)
  todo not written yet
  use domain
  option cpulist string also-positional -- CPUs of the guest, as 0-3,^2
  option enable bool -- bring the CPUs online
  option disable bool -- take the CPUs offline

command setvcpu
  summary plug or unplug given virtual CPUs
  todo not written yet
  use domain
  option vcpulist string positional required -- virtual CPUs, as 0-3,^2
  option enable bool -- plug the CPUs
  option disable bool -- unplug the CPUs
  option async bool -- don't wait for the guest
  use config live current

command domblkthreshold
  summary set a write threshold that raises an event
  todo not written yet
  use domain
  option dev string positional required complete=disk -- disk, by target or source
  option threshold int positional required -- offset in bytes, or with a suffix

command guestinfo
  summary ask the guest agent about the guest
  todo not written yet
  use domain
  option user bool -- logged in users
  option os bool -- operating system
  option timezone bool -- time zone
  option hostname bool -- host name
  option filesystem bool -- file systems
  option disk bool -- disks
  option interface bool -- network interfaces
  option load bool -- load averages
  option devices bool -- devices

command domdirtyrate-calc
  summary measure how fast a domain dirties its memory
  todo not written yet
  use domain
  option seconds int also-positional -- how long to measure
  option mode string also-positional values=page-sampling,dirty-bitmap,dirty-ring -- page-sampling, dirty-bitmap or dirty-ring

command dom-fd-associate
  summary hand open file descriptors to a domain
  todo not written yet
  use domain
  option name string positional required -- name of the group
  option pass-fds string positional required -- numbers of open file descriptors to pass on, separated by commas
  option seclabel-writable bool -- label the files as writable
  option seclabel-restore bool -- restore the labels at the end

command domdisplay-reload
  summary let a display read its certificates again
  todo not written yet
  use domain
  option type int -- kind of display
