// SPDX-License-Identifier: LGPL-2.1-or-later
//
// libvirt-go, the binding by cgo: exercise.go URI prints what the library answers. What asks is found by reflection: all
// that needs no argument of an object's type is called; all events are registered.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"syscall"
	"time"

	libvirt "github.com/libvirt/libvirt-go"
)

const (
	one    = "11111111-1111-4111-8111-111111111111"
	domain = "<domain type='test'><name>one</name><uuid>" + one + "</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>" +
		"<os><type arch='i686'>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest/one'/>" +
		"<target dev='vda' bus='virtio'/></disk></devices></domain>"
	network = "<network><name>one</name><uuid>" + one + "</uuid><forward mode='nat'/><bridge name='virbr7'/>" +
		"<ip address='192.168.77.1' netmask='255.255.255.0'/></network>"
	pool   = "<pool type='dir'><name>one</name><uuid>" + one + "</uuid><target><path>/pool</path></target></pool>"
	volume = "<volume><name>v</name><capacity unit='bytes'>1048576</capacity></volume>"
	device = "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>" +
		"<wwnn>2000000012341234</wwnn><wwpn>1000000012341234</wwpn></capability></capability></device>"
	waitSeconds = 10
)

// Text that is the same in each run: objects by their names, what is pointed to by its fields.
func canonical(v reflect.Value) string {
	if _, ok := v.Interface().(*libvirt.NodeDevice); ok {
		return "a device"
	}
	if named, ok := v.Interface().(interface{ GetName() (string, error) }); ok && (v.Kind() != reflect.Ptr || !v.IsNil()) {
		name, err := named.GetName()
		return fmt.Sprint(name, err)
	}
	switch v.Kind() {
	case reflect.Ptr:
		if v.IsNil() {
			return "nil"
		}
		return canonical(v.Elem())
	case reflect.Slice:
		texts := []string{}
		for i := 0; i < v.Len(); i++ {
			item := v.Index(i)
			if item.CanAddr() && item.Kind() == reflect.Struct {
				item = item.Addr()
			}
			texts = append(texts, canonical(item))
		}
		if v.Type().Elem().Kind() == reflect.Struct { // objects come in no order
			sort.Strings(texts)
		}
		return "[" + strings.Join(texts, " ") + "]"
	case reflect.Struct:
		texts := []string{}
		for i := 0; i < v.NumField(); i++ {
			if v.Type().Field(i).PkgPath == "" {
				texts = append(texts, v.Type().Field(i).Name+"="+canonical(v.Field(i)))
			}
		}
		return "{" + strings.Join(texts, " ") + "}"
	case reflect.String:
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}

func show(name string, err error, values ...interface{}) bool {
	if e, ok := err.(libvirt.Error); ok {
		fmt.Printf("%s: error %d domain %d level %d\n", name, e.Code, e.Domain, e.Level)
		return false
	}
	if err != nil {
		fmt.Printf("%s: %v\n", name, err)
		return false
	}
	texts := []string{}
	for _, value := range values {
		texts = append(texts, canonical(reflect.ValueOf(value)))
	}
	fmt.Printf("%s: %s\n", name, strings.Join(texts, ", "))
	return true
}

var (
	questions = regexp.MustCompile("^(Get|Is|Has|List|NumOf)")
	// What differs from run to run, or says what exercise.py compares line by line.
	volatile = regexp.MustCompile("^(GetXMLDesc|GetCapabilities|GetHostname|GetTime|GetInfo|GetCPUStats|GetVcpus|GetSysinfo|GetURI|" +
		"GetLibVersion|GetControlInfo|GetVersion|GetJobStats|GetJobInfo|GetInfoFlags|GetAllDomainStats|GetNodeInfo|GetFreeMemory|GetCellsFreeMemory)$")
	// The binding frees what it is told, though that is the library's.
	theLibrarys = regexp.MustCompile("^device.(GetName|GetParent)$")
)

// Everything that an object can be asked without an argument of some object's type; arguments are the zero of their types.
func ask(kind string, object interface{}) {
	value := reflect.ValueOf(object)
	if value.IsNil() {
		fmt.Printf("%s: is not there\n", kind)
		return
	}
	for i := 0; i < value.NumMethod(); i++ {
		method, name := value.Method(i), value.Type().Method(i).Name
		if !questions.MatchString(name) || volatile.MatchString(name) || theLibrarys.MatchString(kind+"."+name) {
			continue
		}
		words, plain := []reflect.Value{}, true
		for j := 0; j < method.Type().NumIn(); j++ {
			in := method.Type().In(j)
			plain = plain && in.Kind() != reflect.Ptr && in.Kind() != reflect.Func && in.Kind() != reflect.Slice && in.Kind() != reflect.Map
			words = append(words, reflect.Zero(in))
		}
		if !plain {
			continue
		}
		results := method.Call(words)
		values := []interface{}{}
		for _, result := range results[:len(results)-1] {
			values = append(values, result.Interface())
		}
		err, _ := results[len(results)-1].Interface().(error)
		show(kind+"."+name, err, values...)
	}
}

func section(name string, uri string, body func(conn *libvirt.Connect)) {
	fmt.Println("== " + name)
	conn, err := libvirt.NewConnect(uri)
	if !show("open", err) {
		return
	}
	body(conn)
	left, err := conn.Close()
	show("close", err, left)
}

func connections(conn *libvirt.Connect) {
	ask("connection", conn)
	show("ref", conn.Ref())
	left, err := conn.Close()
	show("unref", err, left)
	show("keepalive", conn.SetKeepAlive(-1, 0))
	uri, _ := conn.GetURI()
	reader, err := libvirt.NewConnectReadOnly(uri)
	if show("read-only", err) {
		_, err = reader.DomainDefineXML(domain)
		show("read-only define", err)
		reader.Close()
	}
	_, err = libvirt.NewConnect("nonsense:///")
	show("nonsense", err)
}

func credentials(conn *libvirt.Connect) {
	os.WriteFile("/tmp/auth.xml", []byte("<node><auth><user password='123'>one</user><user>two</user></auth></node>"), 0644)
	for _, answers := range [][2]string{{"one", "123"}, {"one", "124"}, {"two", ""}, {"three", "x"}} {
		asked := []int{}
		auth := libvirt.ConnectAuth{
			CredType: []libvirt.ConnectCredentialType{libvirt.CRED_AUTHNAME, libvirt.CRED_PASSPHRASE},
			Callback: func(wanted []*libvirt.ConnectCredential) {
				for _, c := range wanted {
					asked = append(asked, int(c.Type))
					c.Result = answers[0]
					if c.Type == libvirt.CRED_PASSPHRASE {
						c.Result = answers[1]
					}
					c.ResultLen = len(c.Result)
				}
			},
		}
		again, err := libvirt.NewConnectWithAuth("test:///tmp/auth.xml", &auth, 0)
		show("auth "+answers[0], err, asked)
		if again != nil {
			again.Close()
		}
	}
}

func domains(conn *libvirt.Connect) {
	test, err := conn.LookupDomainByName("test")
	if !show("by name", err, test) {
		return
	}
	defer test.Free()
	ask("domain", test)
	uuid, _ := test.GetUUID()
	same, err := conn.LookupDomainByUUID(uuid)
	show("by uuid", err, same)
	same.Free()
	same, err = conn.LookupDomainById(1)
	show("by id", err, same)
	same.Free()
	_, err = conn.LookupDomainByName("nobody")
	show("missing name", err)
	_, err = conn.LookupDomainByUUIDString("xyz")
	show("bad uuid", err)
	_, err = conn.DomainDefineXML("<domain>")
	show("define nonsense", err)
	dom, err := conn.DomainDefineXML(domain)
	if !show("define", err, dom) {
		return
	}
	defer dom.Free()
	show("start", dom.Create())
	show("pause", dom.Suspend())
	show("continue", dom.Resume())
	state, reason, err := dom.GetState()
	show("state", err, state, reason)
	for _, flags := range []libvirt.ConnectListAllDomainsFlags{1, 2, 4, 8, 16, 32} {
		all, err := conn.ListAllDomains(flags)
		show(fmt.Sprint("list ", int(flags)), err, all)
		for i := range all {
			all[i].Free()
		}
	}
	stats, err := conn.GetAllDomainStats([]*libvirt.Domain{dom}, libvirt.DOMAIN_STATS_STATE, 0)
	show("statistics", err, len(stats), stats[0].State)
	stats[0].Domain.Free()
	show("destroy", dom.DestroyFlags(libvirt.DOMAIN_DESTROY_GRACEFUL))
	show("undefine", dom.UndefineFlags(0))
	show("gone", dom.Create())
}

func parameters(conn *libvirt.Connect) {
	test, _ := conn.LookupDomainByName("test")
	defer test.Free()
	show("set memory", test.SetMemoryParameters(&libvirt.DomainMemoryParameters{HardLimitSet: true, HardLimit: 9000000}, 0))
	memory, err := test.GetMemoryParameters(0)
	show("memory", err, memory)
	show("set blkio", test.SetBlkioParameters(&libvirt.DomainBlkioParameters{WeightSet: true, Weight: 500}, 0))
	blkio, err := test.GetBlkioParameters(0)
	show("blkio", err, blkio)
	show("set interface", test.SetInterfaceParameters("testnet0", &libvirt.DomainInterfaceParameters{BandwidthInAverageSet: true,
		BandwidthInAverage: 100}, 0))
	iface, err := test.GetInterfaceParameters("testnet0", 0)
	show("interface", err, iface)
	show("set iotune", test.SetBlockIoTune("vda", &libvirt.DomainBlockIoTuneParameters{ReadBytesSecSet: true, ReadBytesSec: 1000}, 0))
	tune, err := test.GetBlockIoTune("vda", 0)
	show("iotune", err, tune)
	show("set scheduler", test.SetSchedulerParameters(&libvirt.DomainSchedulerParameters{CpuSharesSet: true, CpuShares: 60}))
	show("pin", test.PinVcpu(0, []bool{true, false}))
	pins, err := test.GetVcpuPinInfo(0)
	show("pins", err, pins)
	show("set vcpus", test.SetVcpus(1))
	show("too many vcpus", test.SetVcpus(33))
	kind := libvirt.DOMAIN_METADATA_TITLE
	show("set title", test.SetMetadata(kind, "a title", "", "", 0))
	text, err := test.GetMetadata(kind, "", 0)
	show("title", err, text)
	_, err = test.GetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, "http://example.org/", 0)
	show("missing element", err)
}

func snapshots(conn *libvirt.Connect) {
	test, _ := conn.LookupDomainByName("test")
	defer test.Free()
	first, err := test.CreateSnapshotXML("<domainsnapshot><name>first</name></domainsnapshot>", 0)
	if !show("create", err, first) {
		return
	}
	second, err := test.CreateSnapshotXML("<domainsnapshot><name>second</name></domainsnapshot>", 0)
	show("create", err, second)
	ask("snapshot", second)
	show("revert", first.RevertToSnapshot(0))
	show("delete", first.Delete(libvirt.DOMAIN_SNAPSHOT_DELETE_CHILDREN))
	names, err := test.SnapshotListNames(0)
	show("names", err, names)
	first.Free()
	second.Free()
	_, err = test.SnapshotLookupByName("third", 0)
	show("missing", err)
}

func objects(conn *libvirt.Connect) {
	net, err := conn.LookupNetworkByName("default")
	if show("network", err) {
		ask("network", net)
		net.Free()
	}
	storage, err := conn.LookupStoragePoolByName("default-pool")
	if show("pool", err) {
		vol, err := storage.StorageVolCreateXML(volume, 0)
		show("create volume", err, vol)
		ask("pool", storage)
		ask("volume", vol)
		back, err := vol.LookupPoolByVolume()
		show("pool of volume", err, back)
		back.Free()
		show("delete volume", vol.Delete(0))
		vol.Free()
		storage.Free()
	}
	eth, err := conn.LookupInterfaceByName("eth1")
	if show("host interface", err) {
		ask("interface", eth)
		show("begin", conn.InterfaceChangeBegin(0))
		show("stop", eth.Destroy(0))
		show("rollback", conn.InterfaceChangeRollback(0))
		eth.Free()
	}
	dev, err := conn.DeviceCreateXML(device, 0)
	if show("device", err) {
		ask("device", dev)
		show("destroy", dev.Destroy())
		dev.Free()
	}
}

func secrets(conn *libvirt.Connect) {
	secret, err := conn.SecretDefineXML("<secret ephemeral='no'><uuid>"+one+"</uuid><usage type='volume'><volume>/x</volume></usage></secret>", 0)
	if show("define secret", err) {
		show("secrets", secret.SetValue([]byte("value"), 0))
		ask("secrets", secret)
		show("secrets", secret.Undefine())
		secret.Free()
	}
	filter, err := conn.NWFilterDefineXML("<filter name='one'><uuid>" + one + "</uuid></filter>")
	if show("filters", err) {
		ask("filters", filter)
		show("filters", filter.Undefine())
		filter.Free()
	}
}

func streams(conn *libvirt.Connect) {
	test, _ := conn.LookupDomainByName("test")
	defer test.Free()
	stream, _ := conn.NewStream(0)
	kind, err := test.Screenshot(stream, 0, 0)
	if show("screenshot", err, kind) {
		picture := []byte{}
		show("receive", stream.RecvAll(func(s *libvirt.Stream, piece []byte) (int, error) {
			picture = append(picture, piece...)
			return len(piece), nil
		}))
		show("finish", stream.Finish(), string(picture[1:4]))
	}
	stream.Free()
	storage, _ := conn.LookupStoragePoolByName("default-pool")
	defer storage.Free()
	vol, err := storage.StorageVolCreateXML(volume, 0)
	show("volume", err, vol)
	defer vol.Free()
	data := strings.Repeat("0123456789", 30000)
	stream, _ = conn.NewStream(0)
	if show("upload", vol.Upload(stream, 0, uint64(len(data)), 0)) {
		left := data
		show("upload", stream.SendAll(func(s *libvirt.Stream, room int) ([]byte, error) {
			if room > len(left) {
				room = len(left)
			}
			piece := left[:room]
			left = left[room:]
			return []byte(piece), nil
		}))
		show("upload", stream.Finish())
	}
	stream.Free()
	stream, _ = conn.NewStream(0)
	if show("download", vol.Download(stream, 0, uint64(len(data)), libvirt.STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)) {
		got, holes := 0, int64(0)
		show("download", stream.SparseRecvAll(func(s *libvirt.Stream, piece []byte) (int, error) {
			got += len(piece)
			return len(piece), nil
		}, func(s *libvirt.Stream, length int64) error {
			holes += length
			return nil
		}))
		show("download", stream.Finish(), got == len(data), holes)
	}
	stream.Free()
	stream, _ = conn.NewStream(0)
	if show("aborted", vol.Upload(stream, 0, 10, 0)) {
		n, err := stream.Send([]byte("abc"))
		show("aborted", err, n)
		show("aborted", stream.Abort())
	}
	stream.Free()
	show("delete", vol.Delete(0))
}

// What needs guests of QEMU or containers is refused, each in its way.
func hypervisors(conn *libvirt.Connect) {
	test, _ := conn.LookupDomainByName("test")
	defer test.Free()
	_, err := test.QemuMonitorCommand("{}", 0)
	show("monitor", err)
	_, err = test.QemuAgentCommand("{}", 1, 0)
	show("agent", err)
	_, err = conn.DomainQemuAttach(1, 0)
	show("attach", err)
	_, err = conn.DomainQemuMonitorEventRegister(test, "", func(c *libvirt.Connect, d *libvirt.Domain, e *libvirt.DomainQemuMonitorEvent) {}, 0)
	show("monitor events", err)
	_, err = test.LxcOpenNamespace(0)
	show("namespaces", err)
	_, err = test.LxcEnterNamespace([]os.File{*os.Stdin}, 1)
	show("enter with a flag", err)
	show("control groups", test.DomainLxcEnterCGroup(1))
}

// ---- events ----

var seen = map[string][]string{} // kind of object -> what came, in order

// Registers a callback for whatever the binding has; it notes the name of the object and the event. Gives what ends that.
func register(conn *libvirt.Connect) []func() {
	ends := []func(){}
	value := reflect.ValueOf(conn)
	for i := 0; i < value.NumMethod(); i++ {
		method, name := value.Method(i), value.Type().Method(i).Name
		if !strings.HasSuffix(name, "Register") || method.Type().NumIn() != 2 {
			continue
		}
		kind := name[:strings.Index(name, "Event")]
		callback := reflect.MakeFunc(method.Type().In(1), func(words []reflect.Value) []reflect.Value {
			texts := []string{strings.TrimSuffix(name, "Register")}
			for _, word := range words[1:] {
				texts = append(texts, canonical(word))
			}
			seen[kind] = append(seen[kind], strings.Join(texts, " "))
			return nil
		})
		results := method.Call([]reflect.Value{reflect.Zero(method.Type().In(0)), callback})
		err, _ := results[1].Interface().(error)
		if show(name, err) {
			end := value.MethodByName(kind + "EventDeregister")
			ends = append(ends, func() {
				err, _ := end.Call(results[:1])[0].Interface().(error)
				show("end of "+name, err)
			})
		}
	}
	return ends
}

// Makes events; the last one is that the domain `one` is undefined.
func cause(conn *libvirt.Connect) {
	if net, err := conn.NetworkDefineXML(network); show("define network", err) {
		show("network", net.Create())
		show("network", net.Destroy())
		show("network", net.Undefine())
		net.Free()
	}
	if storage, err := conn.StoragePoolDefineXML(pool, 0); show("define pool", err) {
		show("pool", storage.Build(0))
		show("pool", storage.Create(0))
		show("pool", storage.Refresh(0))
		show("pool", storage.Destroy())
		show("pool", storage.Undefine())
		storage.Free()
	}
	if dev, err := conn.DeviceCreateXML(device, 0); show("device", err) {
		show("device", dev.Destroy())
		dev.Free()
	}
	dom, err := conn.DomainDefineXML(domain)
	if !show("define", err) {
		return
	}
	show("start", dom.Create())
	show("pause", dom.Suspend())
	show("continue", dom.Resume())
	show("title", dom.SetMetadata(libvirt.DOMAIN_METADATA_TITLE, "title", "", "", 0))
	show("iotune", dom.SetBlockIoTune("vda", &libvirt.DomainBlockIoTuneParameters{TotalBytesSecSet: true, TotalBytesSec: 5000,
		TotalBytesSecMaxSet: true, TotalBytesSecMax: 10000, GroupNameSet: true, GroupName: "g"}, 0))
	show("destroy", dom.Destroy())
	show("undefine", dom.Undefine())
	dom.Free()
}

// Runs the loop until all has come.
func hear(conn *libvirt.Connect, turn func() error) {
	closed := 0
	show("close callback", conn.RegisterCloseCallback(func(conn *libvirt.Connect, reason libvirt.ConnectCloseReason) { closed++ }))
	ends := register(conn)
	cause(conn)
	end, last := time.Now().Add(waitSeconds*time.Second), "DomainEventLifecycle one<nil> {Event=1 Detail=0}"
	came := func() bool {
		events := seen["Domain"]
		return len(events) > 0 && events[len(events)-1] == last
	}
	for !came() && time.Now().Before(end) {
		if err := turn(); err != nil {
			show("loop", err)
			return
		}
	}
	fmt.Println("all came:", came())
	for _, kind := range []string{"Domain", "Network", "StoragePool", "NodeDevice", "Secret"} {
		for _, event := range seen[kind] {
			fmt.Println(event)
		}
	}
	for _, end := range ends {
		end()
	}
	show("deregister nonsense", conn.DomainEventDeregister(999))
	show("no more closing", conn.UnregisterCloseCallback(), closed)
}

func defaultLoop(conn *libvirt.Connect) {
	timer, err := libvirt.EventAddTimeout(20, func(timer int) {})
	show("timer", err)
	hear(conn, libvirt.EventRunDefaultImpl)
	libvirt.EventUpdateTimeout(timer, -1)
	show("no timer", libvirt.EventRemoveTimeout(timer))
	near, far, _ := os.Pipe()
	heard := 0
	watch, err := libvirt.EventAddHandle(int(near.Fd()), libvirt.EVENT_HANDLE_READABLE,
		func(watch int, fd int, events libvirt.EventHandleType) { heard = int(events) })
	show("handle", err)
	far.Write([]byte("x"))
	for heard == 0 && libvirt.EventRunDefaultImpl() == nil {
	}
	libvirt.EventUpdateHandle(watch, 0)
	show("no handle", libvirt.EventRemoveHandle(watch), heard)
}

func main() {
	uri := os.Args[1]
	if len(os.Args) > 2 {
		own := newLoop()
		libvirt.EventRegisterImpl(own)
		section("own loop", uri, func(conn *libvirt.Connect) { hear(conn, own.turn) })
		return
	}
	libvirt.EventRegisterDefaultImpl()
	section("connections", uri, connections)
	section("credentials", uri, credentials)
	section("domains", uri, domains)
	section("parameters", uri, parameters)
	section("snapshots", uri, snapshots)
	section("objects", uri, objects)
	section("secrets", uri, secrets)
	section("streams", uri, streams)
	section("hypervisors", uri, hypervisors)
	section("default loop", uri, defaultLoop)
	child(uri)
}

// ---- a loop of the program's own, in a process of its own ----

type source struct {
	fd, interval int
	events       libvirt.EventHandleType
	due          time.Time
	handle       *libvirt.EventHandleCallbackInfo  // or
	timeout      *libvirt.EventTimeoutCallbackInfo // is set
}

type ownLoop struct {
	sources map[int]*source
	dropped []*source // freed in the next turn: the library is at work when it drops one
	last    int
}

func newLoop() *ownLoop {
	return &ownLoop{sources: map[int]*source{}}
}

func (l *ownLoop) add(s *source) int {
	l.last++
	l.sources[l.last] = s
	return l.last
}

func (l *ownLoop) drop(number int) int {
	s, there := l.sources[number]
	if !there {
		return -1
	}
	delete(l.sources, number)
	l.dropped = append(l.dropped, s)
	return 0
}

func (l *ownLoop) AddHandleFunc(fd int, events libvirt.EventHandleType, callback *libvirt.EventHandleCallbackInfo) int {
	return l.add(&source{fd: fd, events: events, handle: callback})
}

func (l *ownLoop) UpdateHandleFunc(watch int, events libvirt.EventHandleType) {
	l.sources[watch].events = events
}

func (l *ownLoop) RemoveHandleFunc(watch int) int {
	return l.drop(watch)
}

func (l *ownLoop) AddTimeoutFunc(interval int, callback *libvirt.EventTimeoutCallbackInfo) int {
	s := &source{timeout: callback}
	s.rearm(interval)
	return l.add(s)
}

func (l *ownLoop) UpdateTimeoutFunc(timer int, interval int) {
	l.sources[timer].rearm(interval)
}

func (l *ownLoop) RemoveTimeoutFunc(timer int) int {
	return l.drop(timer)
}

func (s *source) rearm(interval int) {
	s.interval, s.due = interval, time.Now().Add(time.Duration(interval)*time.Millisecond)
}

// What is ready, of the descriptors that are watched; waits a millisecond for it.
func (l *ownLoop) ready() (readable, writable syscall.FdSet) {
	highest := 0
	for _, s := range l.sources {
		if s.handle == nil {
			continue
		}
		if s.events&libvirt.EVENT_HANDLE_READABLE != 0 {
			readable.Bits[s.fd/64] |= 1 << (s.fd % 64)
		}
		if s.events&libvirt.EVENT_HANDLE_WRITABLE != 0 {
			writable.Bits[s.fd/64] |= 1 << (s.fd % 64)
		}
		if s.fd > highest {
			highest = s.fd
		}
	}
	if n, _ := syscall.Select(highest+1, &readable, &writable, nil, &syscall.Timeval{Usec: 1000}); n <= 0 {
		return syscall.FdSet{}, syscall.FdSet{}
	}
	return
}

func (l *ownLoop) turn() error {
	for _, s := range l.dropped {
		if s.handle != nil {
			s.handle.Free()
		} else {
			s.timeout.Free()
		}
	}
	l.dropped = nil
	readable, writable := l.ready()
	numbers := []int{}
	for number := range l.sources {
		numbers = append(numbers, number)
	}
	for _, number := range numbers {
		s, there := l.sources[number]
		if !there {
			continue
		}
		if s.timeout != nil {
			if s.interval >= 0 && !time.Now().Before(s.due) {
				s.rearm(s.interval)
				s.timeout.Invoke(number)
			}
			continue
		}
		events := libvirt.EventHandleType(0)
		if readable.Bits[s.fd/64]&(1<<(s.fd%64)) != 0 {
			events |= libvirt.EVENT_HANDLE_READABLE
		}
		if writable.Bits[s.fd/64]&(1<<(s.fd%64)) != 0 {
			events |= libvirt.EVENT_HANDLE_WRITABLE
		}
		if events != 0 {
			s.handle.Invoke(number, s.fd, events)
		}
	}
	return nil
}

func child(uri string) {
	program := exec.Command("/proc/self/exe", uri, "own loop")
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "the program with its own loop:", err)
		os.Exit(1)
	}
}
