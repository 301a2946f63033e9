// SPDX-License-Identifier: LGPL-2.1-or-later
//
// go-libvirt, a client that has an implementation of the wire protocol of its own and no libvirt.so: wire.go URI. What asks
// is found by reflection and called on one object of each kind.
package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"
)

const (
	one    = "11111111-1111-4111-8111-111111111111"
	domain = "<domain type='test'><name>one</name><uuid>" + one + "</uuid><memory unit='MiB'>64</memory>" +
		"<vcpu>1</vcpu><os><type arch='i686'>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest/one'/>" +
		"<target dev='vda' bus='virtio'/></disk></devices></domain>"
	network     = "<network><name>one</name><uuid>" + one + "</uuid><ip address='192.168.77.1' netmask='255.255.255.0'/></network>"
	volume      = "<volume><name>v</name><capacity unit='bytes'>1048576</capacity></volume>"
	waitSeconds = 10
	room        = 4 // items and bytes that an answer may have
)

// Lists without their order, as it is nobody's.
func canonical(value interface{}) string {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Slice || v.Type().Elem().Kind() != reflect.Struct && v.Type().Elem().Kind() != reflect.String {
		return fmt.Sprintf("%+v", value)
	}
	texts := []string{}
	for i := 0; i < v.Len(); i++ {
		texts = append(texts, fmt.Sprintf("%+v", v.Index(i).Interface()))
	}
	sort.Strings(texts)
	return "[" + strings.Join(texts, " ") + "]"
}

func show(name string, err error, values ...interface{}) bool {
	if e, ok := err.(libvirt.Error); ok {
		fmt.Printf("%s: error %d\n", name, e.Code)
	} else if err != nil {
		fmt.Printf("%s: failed\n", name)
	} else {
		texts := []string{}
		for _, value := range values {
			texts = append(texts, canonical(value))
		}
		fmt.Printf("%s: [%s]\n", name, strings.Join(texts, " "))
	}
	return err == nil
}

// ---- everything that asks ----

var (
	questions = regexp.MustCompile("^[A-Za-z]*(Get|Is|List|NumOf|Has)")
	// What differs from run to run; what another program compares line by line; what takes an object that is not there.
	left = regexp.MustCompile("XMLDesc$|Capabilities$|^(AuthList|ConnectGet(Hostname|LibVersion|Sysinfo|AllDomainStats)|NodeGet.*|" +
		"Domain(GetTime|GetInfo|GetCPUStats|GetVcpus|GetControlInfo)|IsConnected|GetBlockIOTune|Disconnected|DomainMigrate.*)$")
	// The first that fits the method.
	texts = [][2]string{{"^NodeDevice", "scsi_host1"}, {"^DomainGetBlock", "vda"}, {"InterfaceParameters$", "testnet0"},
		{"CPUModelNames$", "x86_64"}, {"", "root"}}
)

// An argument: an object of its type, a text of the method, room for results; else the zero.
func argument(kind reflect.Type, method string, objects map[reflect.Type]reflect.Value) (reflect.Value, bool) {
	if object, there := objects[kind]; there {
		return object, true
	}
	switch kind.Kind() {
	case reflect.Struct, reflect.Interface, reflect.Ptr, reflect.Func:
		return reflect.Value{}, false
	case reflect.String:
		for _, text := range texts {
			if regexp.MustCompile(text[0]).MatchString(method) {
				return reflect.ValueOf(text[1]), true
			}
		}
	case reflect.Int32:
		if kind == reflect.TypeOf(int32(0)) {
			return reflect.ValueOf(int32(room)), true
		}
	}
	return reflect.Zero(kind), true
}

func ask(l *libvirt.Libvirt, objects map[reflect.Type]reflect.Value) {
	value := reflect.ValueOf(l)
	for i := 0; i < value.NumMethod(); i++ {
		method, name := value.Method(i), value.Type().Method(i).Name
		if !questions.MatchString(name) || left.MatchString(name) {
			continue
		}
		words, known := []reflect.Value{}, true
		for j := 0; j < method.Type().NumIn() && known; j++ {
			var word reflect.Value
			word, known = argument(method.Type().In(j), name, objects)
			words = append(words, word)
		}
		if !known {
			continue
		}
		results := method.Call(words)
		values := []interface{}{}
		for _, result := range results[:len(results)-1] {
			values = append(values, result.Interface())
		}
		err, _ := results[len(results)-1].Interface().(error)
		show(name, err, values...)
	}
}

func questionsAndAnswers(l *libvirt.Libvirt) {
	objects := map[reflect.Type]reflect.Value{}
	keep := func(object interface{}, err error) {
		if show(fmt.Sprintf("%T", object), err) {
			objects[reflect.TypeOf(object)] = reflect.ValueOf(object)
		}
	}
	test, err := l.DomainLookupByName("test")
	keep(test, err)
	net, err := l.NetworkLookupByName("default")
	keep(net, err)
	pool, err := l.StoragePoolLookupByName("default-pool")
	keep(pool, err)
	vol, err := l.StorageVolCreateXML(pool, volume, 0)
	keep(vol, err)
	eth, err := l.InterfaceLookupByName("eth1")
	keep(eth, err)
	_, err = l.DomainSnapshotCreateXML(test, "<domainsnapshot><name>first</name></domainsnapshot>", 0)
	show("first snapshot", err)
	snapshot, err := l.DomainSnapshotCreateXML(test, "<domainsnapshot><name>second</name></domainsnapshot>", 0)
	keep(snapshot, err)
	ask(l, objects)
	show("delete", l.DomainSnapshotDelete(snapshot, 0))
	show("delete volume", l.StorageVolDelete(vol, 0))
}

// ---- the rest ----

func connection(l *libvirt.Libvirt) {
	kind, err := l.ConnectGetType()
	show("type", err, kind)
	model, memory, cpus, mhz, nodes, sockets, cores, threads, err := l.NodeGetInfo()
	show("node", err, model, memory, cpus, mhz, nodes, sockets, cores, threads)
	version, err := l.ConnectGetVersion()
	show("version", err, version)
	methods, err := l.AuthList()
	show("authentication", err, len(methods))
	_, err = l.AuthSaslInit()
	show("mechanisms", err)
	show("feature", func() error { _, err := l.ConnectSupportsFeature(14); return err }())
}

func domains(l *libvirt.Libvirt) {
	all, count, err := l.ConnectListAllDomains(1, 0)
	show("list", err, count, len(all))
	test, err := l.DomainLookupByName("test")
	show("lookup", err, test.Name, test.ID)
	_, err = l.DomainLookupByName("nobody")
	show("missing", err)
	dom, err := l.DomainDefineXML(domain)
	show("define", err, dom.Name)
	show("create", l.DomainCreate(dom))
	show("suspend", l.DomainSuspend(dom))
	show("resume", l.DomainResume(dom))
	state, reason, err := l.DomainGetState(dom, 0)
	show("state", err, state, reason)
	show("destroy", l.DomainDestroy(dom))
	show("undefine", l.DomainUndefine(dom))
	text, err := l.DomainGetXMLDesc(test, 0)
	show("document", err, strings.Count(text, "\n"))
	stats, err := l.ConnectGetAllDomainStats([]libvirt.Domain{test}, uint32(libvirt.DomainStatsState), 0)
	show("statistics", err, stats)
}

func parameters(l *libvirt.Libvirt) {
	test, _ := l.DomainLookupByName("test")
	limit := libvirt.TypedParam{Field: "hard_limit", Value: *libvirt.NewTypedParamValueUllong(9000000)}
	show("set memory", l.DomainSetMemoryParameters(test, []libvirt.TypedParam{limit}, 0))
	params, _, err := l.DomainGetMemoryParameters(test, 8, 0)
	show("memory", err, len(params), params)
	weight := libvirt.TypedParam{Field: "weight", Value: *libvirt.NewTypedParamValueUint(500)}
	show("set blkio", l.DomainSetBlkioParameters(test, []libvirt.TypedParam{weight}, 0))
	wrong := libvirt.TypedParam{Field: "weight", Value: *libvirt.NewTypedParamValueString("500")}
	show("set wrong blkio", l.DomainSetBlkioParameters(test, []libvirt.TypedParam{wrong}, 0))
	params, _, err = l.DomainGetBlkioParameters(test, 16, 0)
	show("blkio", err, params)
	show("set title", l.DomainSetMetadata(test, 1, libvirt.OptString{"a title"}, nil, nil, 0))
	text, err := l.DomainGetMetadata(test, 1, nil, 0)
	show("title", err, text)
	_, maps, err := l.DomainGetVcpus(test, room, room)
	show("maps of processors", err, maps)
	show("no title", l.DomainSetMetadata(test, 1, nil, nil, nil, 0))
}

func others(l *libvirt.Libvirt) {
	networks, _, err := l.ConnectListAllNetworks(1, 0)
	show("networks", err, len(networks), networks[0].Name)
	pools, _, err := l.ConnectListAllStoragePools(1, 0)
	show("pools", err, len(pools), pools[0].Name)
	_, err = l.NetworkLookupByName("nowhere")
	show("missing network", err)
	net, err := l.NetworkDefineXML(network)
	if show("define network", err, net.Name) {
		show("start network", l.NetworkCreate(net))
		show("stop network", l.NetworkDestroy(net))
		show("undefine network", l.NetworkUndefine(net))
	}
}

func streams(l *libvirt.Libvirt) {
	test, _ := l.DomainLookupByName("test")
	picture := bytes.Buffer{}
	kind, err := l.DomainScreenshot(test, &picture, 0, 0)
	if show("screenshot", err, kind) {
		fmt.Printf("picture: %q\n", picture.Bytes()[1:4])
	}
	pool, _ := l.StoragePoolLookupByName("default-pool")
	vol, err := l.StorageVolCreateXML(pool, volume, 0)
	show("volume", err, vol.Name)
	data := strings.Repeat("0123456789", 60000)
	show("upload", l.StorageVolUpload(vol, strings.NewReader(data), 0, uint64(len(data)), 0))
	back := bytes.Buffer{}
	err = l.StorageVolDownload(vol, &back, 0, uint64(len(data)), 0)
	show("download", err, back.String() == data)
	show("upload too far", l.StorageVolUpload(vol, strings.NewReader(data), 1<<40, uint64(len(data)), 0))
	show("delete", l.StorageVolDelete(vol, 0))
}

// Subscribes to all events of domains; waits for those that are known to come, and shows what came till then.
func events(l *libvirt.Libvirt) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	channels := map[libvirt.DomainEventID]<-chan interface{}{}
	for id := libvirt.DomainEventID(0); id < 25; id++ {
		channel, err := l.SubscribeEvents(ctx, id, nil)
		if show(fmt.Sprint("subscribe ", id), err) {
			channels[id] = channel
		}
	}
	_, err := l.SubscribeQEMUEvents(ctx, "test")
	show("subscribe to monitors", err)
	dom, err := l.DomainDefineXML(domain)
	show("define", err)
	show("create", l.DomainCreate(dom))
	show("suspend", l.DomainSuspend(dom))
	show("resume", l.DomainResume(dom))
	show("title", l.DomainSetMetadata(dom, 1, libvirt.OptString{"title"}, nil, nil, 0))
	show("no title", l.DomainSetMetadata(dom, 1, nil, nil, nil, 0))
	show("destroy", l.DomainDestroy(dom))
	show("undefine", l.DomainUndefine(dom))
	// defined, started, paused, continued, stopped, undefined
	for _, wanted := range []struct {
		id    libvirt.DomainEventID
		times int
	}{{libvirt.DomainEventIDLifecycle, 6}, {libvirt.DomainEventIDMetadataChange, 2}} {
		for i := 0; i < wanted.times; i++ {
			select {
			case event := <-channels[wanted.id]:
				fmt.Printf("%T %s\n", event, what(event))
			case <-time.After(waitSeconds * time.Second):
				fmt.Println("event", wanted.id, "does not come")
			}
		}
	}
}

// Name of the domain of an event and what else it says, but for numbers of callbacks and domains.
func what(event interface{}) string {
	text := fmt.Sprintf("%+v", reflect.ValueOf(event).Elem().Interface())
	return regexp.MustCompile(`(CallbackID|ID):-?\d+ ?`).ReplaceAllString(text, "")
}

func main() {
	socket := os.Args[1][strings.Index(os.Args[1], "socket=")+len("socket="):]
	for _, part := range []struct {
		name string
		body func(*libvirt.Libvirt)
	}{{"connection", connection}, {"domains", domains}, {"parameters", parameters}, {"others", others}, {"questions", questionsAndAnswers},
		{"streams", streams}, {"events", events}} {
		fmt.Println("== " + part.name)
		conn, err := net.DialTimeout("unix", socket, 5*time.Second)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		l := libvirt.New(conn)
		if err := l.ConnectToURI("test:///default"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		part.body(l)
		// Whether this fails depends on who closes the socket first, the daemon or go-libvirt.
		_ = l.Disconnect()
	}
}
