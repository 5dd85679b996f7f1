package main

import (
	"fmt"
	"net"
	"strings"
	"syscall"
)

// What nfs(5) knows beyond the options handled below. They tune a kernel's client and mean nothing to this one, which
// waits as `hard` does, locks at the server and keeps no more than a second of attributes.
var tuning = words(`ac acdirmax acdirmin acl acregmax acregmin actimeo ac async bg bsize clientaddr cto defaults
	diratime fg fsc hard intr lock lookupcache max_connect migration namlen nconnect noac noacl nocto nodefaults nofsc
	nointr nolock nomigration noresvport norelatime nosharecache nosharetransport posix proto rdirplus relatime resvport
	retrans retry rsize rw sec sharecache softerr softreval soft sloppy strictatime timeo trunkdiscovery wsize xprtsec
	auto noauto _netdev user nouser users lazytime nolazytime sync dirsync dev suid exec atime x-systemd.automount
	nordirplus nosoftreval notrunkdiscovery`)

var flags = map[string]uintptr{
	"ro": syscall.MS_RDONLY, "noatime": syscall.MS_NOATIME, "nodiratime": syscall.MS_NODIRATIME,
	"nosuid": syscall.MS_NOSUID, "nodev": syscall.MS_NODEV, "noexec": syscall.MS_NOEXEC,
}

// request is what the command line asks for.
type request struct {
	source, target string
	host, path     string
	port           string
	minor          uint32
	flags          uintptr
}

func words(text string) map[string]bool {
	found := map[string]bool{}
	for _, word := range strings.Fields(text) {
		found[word] = true
	}
	return found
}

// parseArguments reads `SERVER:/PATH TARGET [-rwsfnv] [-o OPTION,...]`, as mount(8) calls its helpers.
func parseArguments(arguments []string) (*request, error) {
	r := &request{port: "2049", minor: 2, flags: syscall.MS_MGC_VAL}
	var places []string
	for index := 0; index < len(arguments); index++ {
		switch argument := arguments[index]; {
		case argument == "-o" && index+1 < len(arguments):
			index++
			for _, option := range strings.Split(arguments[index], ",") {
				if err := r.option(option); err != nil {
					return nil, err
				}
			}
		case argument == "-r":
			r.flags |= syscall.MS_RDONLY
		case strings.HasPrefix(argument, "-") && strings.Trim(argument[1:], "wsnv") == "":
		case strings.HasPrefix(argument, "-"):
			return nil, fmt.Errorf("this client does not know the argument '%s'", argument)
		default:
			places = append(places, argument)
		}
	}
	if len(places) != 2 {
		return nil, fmt.Errorf("usage: mount.nfs SERVER:/PATH TARGET [-rvnsw] [-o OPTIONS]")
	}
	r.source, r.target = places[0], places[1]
	return r, r.split()
}

func (r *request) split() error {
	at := strings.Index(r.source, ":/")
	if at < 1 {
		return fmt.Errorf("'%s' is not of the form SERVER:/PATH", r.source)
	}
	r.host, r.path = strings.Trim(r.source[:at], "[]"), r.source[at+1:]
	return nil
}

func (r *request) address() string { return net.JoinHostPort(r.host, r.port) }

func (r *request) option(option string) error {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "":
	case "vers", "nfsvers":
		major, minor, _ := strings.Cut(value, ".")
		if major != "4" || minor != "" && minor != "1" && minor != "2" {
			return fmt.Errorf("version %s is not spoken by this client, only 4.1 and 4.2", value)
		}
		if minor == "1" {
			r.minor = 1
		}
	case "v4", "v4.2":
	case "minorversion", "v4.1":
		if name == "v4.1" || value == "1" {
			r.minor = 1
		} else if value != "2" {
			return fmt.Errorf("version 4.%s is not spoken by this client, only 4.1 and 4.2", value)
		}
	case "port":
		if value != "0" {
			r.port = value
		}
	case "addr":
		r.host = value
	default:
		if flag, there := flags[name]; there {
			r.flags |= flag
		} else if !tuning[name] {
			return fmt.Errorf("an incorrect mount option was specified: '%s'", option)
		}
	}
	return nil
}
