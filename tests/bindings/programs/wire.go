// SPDX-License-Identifier: LGPL-2.1-or-later
//
// go-libvirt, a client that has an implementation of the wire protocol of its own and no libvirt.so: wire.go URI.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"
)

const domain = "<domain type='test'><name>one</name><uuid>11111111-1111-4111-8111-111111111111</uuid><memory unit='MiB'>64</memory>" +
	"<vcpu>1</vcpu><os><type arch='i686'>hvm</type></os></domain>"

func show(name string, err error, values ...interface{}) {
	if e, ok := err.(libvirt.Error); ok {
		fmt.Printf("%s: error %d\n", name, e.Code)
	} else if err != nil {
		fmt.Printf("%s: failed\n", name)
	} else {
		fmt.Printf("%s: %v\n", name, values)
	}
}

func main() {
	socket := os.Args[1][strings.Index(os.Args[1], "socket=")+len("socket="):]
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
	fmt.Println("== connection")
	kind, err := l.ConnectGetType()
	show("type", err, kind)
	model, memory, cpus, mhz, nodes, sockets, cores, threads, err := l.NodeGetInfo()
	show("node", err, model, memory, cpus, mhz, nodes, sockets, cores, threads)
	fmt.Println("== domains")
	all, count, err := l.ConnectListAllDomains(1, 0)
	show("list", err, count, len(all))
	test, err := l.DomainLookupByName("test")
	show("lookup", err, test.Name, test.ID)
	_, err = l.DomainLookupByName("nobody")
	show("missing", err)
	one, err := l.DomainDefineXML(domain)
	show("define", err, one.Name)
	show("create", l.DomainCreate(one))
	show("suspend", l.DomainSuspend(one))
	show("resume", l.DomainResume(one))
	state, reason, err := l.DomainGetState(one, 0)
	show("state", err, state, reason)
	show("destroy", l.DomainDestroy(one))
	show("undefine", l.DomainUndefine(one))
	text, err := l.DomainGetXMLDesc(test, 0)
	show("document", err, strings.Count(text, "\n"))
	params, _, err := l.DomainGetMemoryParameters(test, 8, 0)
	show("memory", err, len(params), params)
	fmt.Println("== others")
	networks, _, err := l.ConnectListAllNetworks(1, 0)
	show("networks", err, len(networks), networks[0].Name)
	pools, _, err := l.ConnectListAllStoragePools(1, 0)
	show("pools", err, len(pools), pools[0].Name)
	_, err = l.NetworkLookupByName("nowhere")
	show("missing network", err)
	// Whether this fails depends on who closes the socket first, the daemon or go-libvirt.
	_ = l.Disconnect()
}
