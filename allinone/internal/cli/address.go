package cli

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const defaultListen = "127.0.0.1:8080"

// checkListen accepts addresses of this machine only: the page shows customers' data and asks nobody who they are.
func checkListen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %q is not HOST:PORT; write for example %s", address, defaultListen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("--listen %q has no valid port; write 1 to 65535, or 0 for any free one", address)
	}
	if loopback(host) {
		return nil
	}
	return fmt.Errorf("--listen %q can be reached from other machines, and the page asks for no login yet; "+
		"use 127.0.0.1:%s and put a reverse proxy on this machine in front of it", address, port)
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(host, "localhost")
	}
	return ip.Unmap().IsLoopback()
}
