package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// credentialOf is the calling process's, as a kernel's client would send it.
func credentialOf(caller *fuse.Caller) credential {
	var groups []uint32
	for _, word := range statusField(caller.Pid, "Groups:") {
		if id, err := strconv.ParseUint(string(word), 10, 32); err == nil {
			groups = append(groups, uint32(id))
		}
	}
	return newCredential(caller.Uid, caller.Gid, groups)
}

// statusField is a line of /proc/PID/status in words; nil when there is no such process.
func statusField(pid uint32, name string) [][]byte {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return bytes.Fields(line)
}

// dying says whether the process was killed, which alone ends its wait for a server, as on a kernel's hard mount.
func dying(pid uint32) bool {
	const kill = 1 << (9 - 1)
	for _, name := range []string{"SigPnd:", "ShdPnd:"} {
		words := statusField(pid, name)
		if len(words) == 0 {
			return pid != 0
		}
		if pending, err := strconv.ParseUint(string(words[0]), 16, 64); err != nil || pending&kill != 0 {
			return true
		}
	}
	return false
}

// await waits for what a process asked for, until it is done or the process is killed; then what is under way goes on
// for itself.
func await[T any](cancel <-chan struct{}, pid uint32, work func() T) (T, bool) {
	done := make(chan T, 1)
	go func() { done <- work() }()
	var look <-chan time.Time
	for {
		select {
		case result := <-done:
			return result, true
		case <-cancel: // a signal, which need not be a deadly one
			cancel, look = nil, time.After(0)
		case <-look:
			if dying(pid) {
				var nothing T
				return nothing, false
			}
			look = time.After(100 * time.Millisecond)
		}
	}
}
