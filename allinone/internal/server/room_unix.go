//go:build linux || darwin || freebsd

package server

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// leastRoom is what a server needs to begin at all: streams, buckets and some sweeps.
const leastRoom = 64 << 20

// checkRoom refuses a disk that is as good as full, because the server would start and then refuse writes.
func checkRoom(dir string) error {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return nil // a file system that does not tell may have all the room in the world
	}
	room := uint64(fs.Bavail) * uint64(fs.Bsize) //nolint:unconvert // signed on FreeBSD
	if room < leastRoom {
		return fmt.Errorf("only %d MiB are free on its disk, and at least %d are needed; free some space, or name a directory on another disk with --data",
			room>>20, leastRoom>>20)
	}
	return nil
}
