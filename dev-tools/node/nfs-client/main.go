// mount.nfs is the native node's NFS client: a file system over FUSE that speaks NFSv4.1 or 4.2 to a real server, where
// the kernel has no client of its own and takes no modules. mount(8) calls it as it calls the kernel's helper.
//
// It stands in for the kernel's client. The server, the protocol on one TCP port, credentials of each process, locks
// and their reclaim after a server's restart, hard waiting and close-to-open consistency are real. Other than there:
// reads and writes carry no open state, so a file opened before its mode was taken away is judged anew; two machines
// that append to one file may overwrite each other within a second; there are no delegations, extended attributes,
// ACLs, preallocation or server-side copies; `soft` waits as `hard` does.
package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

const (
	logFile     = "/var/log/mount.nfs.log"
	asDaemon    = "JLD_MOUNT_NFS_DAEMON" // set: this is the process that stays, and file 3 is for its first words
	mountFailed = 32                     // of mount(8)'s exit codes
)

func main() {
	asked, err := parseArguments(os.Args[1:])
	if err == nil {
		if os.Getenv(asDaemon) == "" {
			err = start()
		} else {
			err = serve(asked)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "mount.nfs: %v\n", err)
		os.Exit(mountFailed)
	}
}

// start runs this program again as a process of its own session, and returns when that has mounted or failed.
func start() error {
	words, write, err := os.Pipe()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	daemon := exec.Command(program, os.Args[1:]...)
	daemon.Env = append(os.Environ(), asDaemon+"=1")
	daemon.ExtraFiles = []*os.File{write}
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if output, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		daemon.Stdout, daemon.Stderr = output, output
	}
	if err := daemon.Start(); err != nil {
		return err
	}
	write.Close()
	said, err := io.ReadAll(words)
	if err != nil {
		return err
	}
	if text := string(said); text != "mounted" {
		return fmt.Errorf("%s", text)
	}
	return nil
}

// serve mounts, says so to the process that waits for it, and answers until the last unmount.
func serve(asked *request) error {
	words := os.NewFile(3, "words")
	client, server, err := mount(asked)
	if err != nil {
		fmt.Fprint(words, err)
		return err
	}
	fmt.Fprint(words, "mounted")
	words.Close()
	log.SetPrefix(asked.source + ": ")
	go func() {
		awaitUnmount()
		client.leave()
		os.Exit(0) // requests that still wait for a server have no one left to answer
	}()
	server.Serve()
	select {} // the other one ends the process
}

func mount(asked *request) (*client, *fuse.Server, error) {
	if err := os.Chdir("/"); err != nil {
		return nil, nil, err
	}
	name, err := os.Hostname()
	if err != nil {
		return nil, nil, err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, nil, err
	}
	client := newClient(asked.address(), asked.minor, fmt.Sprintf("%s %x", name, random[:8]), random[8:])
	if err := client.connect(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", asked.source, err)
	}
	walk := &compound{}
	walk.op(opPutrootfh)
	steps := 0
	for _, step := range strings.Split(asked.path, "/") {
		if step != "" {
			walk.op(opLookup).text(step)
			steps++
		}
	}
	walk.op(opGetfh)
	answer := client.run(rootCredential, walk.getattr(statBits))
	if answer.status != 0 {
		client.leave()
		return nil, nil, fmt.Errorf("mounting %s failed, reason given by server: %w", asked.source, errno(answer.status))
	}
	for range 1 + steps {
		answer.next()
	}
	root := answer.next().text()
	fileSystem := newFileSystem(client, root, answer.next().attributes())
	server, err := fuse.NewServer(fileSystem, asked.target, &fuse.MountOptions{
		AllowOther: true, FsName: asked.source, Name: "nfs", DirectMountStrict: true, DirectMountFlags: asked.flags,
		MaxWrite: largestData, MaxBackground: slots, EnableLocks: true, DisableReadDirPlus: true, DisableXAttrs: true,
	})
	if err != nil {
		client.leave()
		return nil, nil, fmt.Errorf("mounting on %s failed: %w", asked.target, err)
	}
	return client, server, nil
}

// awaitUnmount returns when the kernel has given the file system up, by `umount`, also `-f` and `-l`: its device then
// reports an error.
func awaitUnmount() {
	for device := 3; device < 1024; device++ {
		if path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", device)); err != nil || path != "/dev/fuse" {
			continue
		}
		for {
			asked := []unix.PollFd{{Fd: int32(device)}}
			if _, err := unix.Poll(asked, -1); err == nil && asked[0].Revents&(unix.POLLERR|unix.POLLNVAL) != 0 {
				return
			}
		}
	}
}
