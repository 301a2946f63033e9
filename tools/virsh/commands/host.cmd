# SPDX-License-Identifier: LGPL-2.1-or-later

group host
  title Host and Hypervisor
  order 4

command allocpages
  summary change the host's pools of huge pages
  handler cmd_allocpages
  option pagesize int positional required complete=page-size -- page size, in KiB unless it has a suffix
  option pagecount int positional required -- number of pages
  option cellno int also-positional complete=cell -- number of the NUMA cell
  option add bool -- add to the pool instead of setting its size
  option all bool -- on every cell

command capabilities
  summary print what host and hypervisor can do, as XML
  handler cmd_capabilities
  use xpath wrap

command cpu-baseline
  summary compute a CPU that several hosts can offer
  text The file holds cpu elements, or whole capabilities or domain capabilities documents.
  handler cmd_cpu_baseline
  use xml-file
  option features bool -- print features too
  option migratable bool -- leave out features that prevent migration

command cpu-compare
  summary compare the host's CPU with one described by XML
  handler cmd_cpu_compare
  use xml-file
  option error bool -- fail if the CPUs don't fit
  use validate

command cpu-models
  summary list CPU models of an architecture
  handler cmd_cpu_models
  json cpu-models
  option arch string positional required values=x86_64,i686,aarch64,armv7l,ppc64,ppc64le,riscv64,s390x,loongarch64 -- architecture

command domcapabilities
  summary print what domains of a kind can use, as XML
  handler cmd_domcapabilities
  option virttype string also-positional values=kvm,qemu -- kind of virtualization, as kvm or qemu
  option emulatorbin string also-positional -- path of the emulator
  option arch string also-positional values=x86_64,i686,aarch64,armv7l,ppc64,ppc64le,riscv64,s390x,loongarch64 -- architecture
  option machine string also-positional -- machine type
  use xpath wrap
  option disable-deprecated-features bool -- switch off deprecated features of the host model
  option expand-cpu-features bool -- list all features of the host model
  option supported-cpu-features bool -- list all features that can be used

command freecell
  summary show free memory of NUMA cells
  handler cmd_freecell
  json free-cells
  option cellno int also-positional complete=cell -- number of the NUMA cell
  option all bool -- every cell and the total

command freepages
  summary show free pages of NUMA cells
  handler cmd_freepages
  json free-pages
  option cellno int also-positional complete=cell -- number of the NUMA cell
  option pagesize int also-positional complete=page-size -- page size, in KiB unless it has a suffix
  option all bool -- every cell and page size

command hostname
  summary print the host name of the hypervisor
  handler cmd_hostname
  json hostname

command hypervisor-cpu-baseline
  summary compute a CPU that a hypervisor can offer on several hosts
  handler cmd_hypervisor_cpu_baseline
  option file string also-positional complete=file -- file with the XML
  option virttype string also-positional values=kvm,qemu -- kind of virtualization, as kvm or qemu
  option emulator string also-positional -- path of the emulator
  option arch string also-positional values=x86_64,i686,aarch64,armv7l,ppc64,ppc64le,riscv64,s390x,loongarch64 -- architecture
  option machine string also-positional -- machine type
  option features bool -- print features too
  option migratable bool -- leave out features that prevent migration
  option ignore-host bool -- don't take this host into account
  option model string also-positional -- name of the CPU model to start from

command hypervisor-cpu-compare
  summary compare a CPU with what a hypervisor can offer
  handler cmd_hypervisor_cpu_compare
  use xml-file
  option virttype string also-positional values=kvm,qemu -- kind of virtualization, as kvm or qemu
  option emulator string also-positional -- path of the emulator
  option arch string also-positional values=x86_64,i686,aarch64,armv7l,ppc64,ppc64le,riscv64,s390x,loongarch64 -- architecture
  option machine string also-positional -- machine type
  option error bool -- fail if the CPUs don't fit
  use validate

command hypervisor-cpu-models
  summary list CPU models that a hypervisor knows
  handler cmd_hypervisor_cpu_models
  json cpu-models
  option virttype string values=kvm,qemu -- kind of virtualization, as kvm or qemu
  option emulator string -- path of the emulator
  option arch string values=x86_64,i686,aarch64,armv7l,ppc64,ppc64le,riscv64,s390x,loongarch64 -- architecture
  option machine string -- machine type
  option all bool -- also those that can't be used here

command maxvcpus
  summary print how many virtual CPUs a domain may have
  handler cmd_maxvcpus
  json max-vcpus
  option type string also-positional values=kvm,qemu,test -- kind of domain, as kvm

command node-memory-tune
  summary show or set memory merging parameters of the host
  handler cmd_node_memory_tune
  json parameters
  option shm-pages-to-scan int also-positional -- pages to scan before sleeping
  option shm-sleep-millisecs int also-positional -- milliseconds to sleep between scans
  option shm-merge-across-nodes int also-positional -- 1 to merge pages of different NUMA nodes, 0 not to

command nodecpumap
  summary show which CPUs of the host are present and online
  handler cmd_nodecpumap
  json node-cpu-map
  option pretty bool -- show the map as a list

command nodecpustats
  summary show how the host's CPUs spend their time
  handler cmd_nodecpustats
  json node-cpu-stats
  option cpu int also-positional complete=host-cpu -- number of the CPU; default is all together
  option percent bool -- percentages of the next second rather than times

command nodeinfo
  summary show basic facts about the host
  handler cmd_nodeinfo
  json node-info

command nodememstats
  summary show memory of the host
  handler cmd_nodememstats
  json node-memory-stats
  option cell int also-positional -- number of the NUMA cell; default is all together

command nodesevinfo
  summary show AMD SEV data of the host
  handler cmd_nodesevinfo
  json parameters

command nodesuspend
  summary put the host to sleep for a while
  handler cmd_nodesuspend
  option target string positional required values=mem,disk,hybrid -- mem, disk or hybrid
  option duration int positional required -- seconds to sleep, 0 for no limit

command sysinfo
  summary print SMBIOS data of the host as XML
  handler cmd_sysinfo

command uri
  summary print the URI of the connection
  handler cmd_uri
  json uri

command version
  summary show versions of library, API and hypervisor
  handler cmd_version
  json version
  option daemon bool -- the daemon's version too
