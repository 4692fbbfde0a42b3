package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go"
)

const socketFile = "covewise.sock"

// longestSocket is what every system takes as a socket's path; the shortest limit is that of macOS.
const longestSocket = 103

// Door is a socket in the data directory through which other processes of the same user reach the server: commands
// that look at what a running covewise knows. It speaks the NATS protocol; the directory's permissions guard it.
type Door struct {
	server   *Server
	listener net.Listener
}

// OpenDoor begins to listen. A socket left by a process that was killed is replaced: the directory's lock says
// that nobody listens there any more.
func (s *Server) OpenDoor(ctx context.Context) (*Door, error) {
	path := filepath.Join(s.lock.dir, socketFile)
	if len(path) > longestSocket {
		return nil, fmt.Errorf("the path %s is too long for a socket; commands cannot reach this process, unless --data is shorter", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replace the socket of an earlier process: %w", err)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("guard %s: %w", path, err), listener.Close())
	}
	return &Door{server: s, listener: listener}, nil
}

// Run lets connections in until the door is closed, and returns nil when all have ended.
func (d *Door) Run(ctx context.Context) error {
	var guests sync.WaitGroup
	defer guests.Wait()
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	for {
		outside, err := d.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept a command's connection: %w", err)
		}
		inside, err := d.server.nats.InProcessConn()
		if err != nil {
			_ = outside.Close() // the guest sees the end of the connection
			continue
		}
		guests.Go(func() { join(ctx, outside, inside) })
	}
}

// Close ends the door and removes the socket.
func (d *Door) Close() error { return d.listener.Close() }

// join copies both ways until one side or the context ends.
func join(ctx context.Context, a, b net.Conn) {
	var both sync.WaitGroup
	stop := context.AfterFunc(ctx, func() { _, _ = a.Close(), b.Close() })
	defer stop()
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // however it ends, the connection is over
		_, _ = to.Close(), from.Close()
	}
	both.Go(func() { carry(a, b) })
	both.Go(func() { carry(b, a) })
	both.Wait()
}

// ErrNotRunning means that no covewise runs in a data directory.
var ErrNotRunning = errors.New("no covewise runs there")

// Knock connects to the covewise that runs in a data directory. Without one it fails with ErrNotRunning.
func Knock(ctx context.Context, dir, name string) (*nats.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", filepath.Join(dir, socketFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	nc, err := nats.Connect("nats://covewise", nats.SetCustomDialer(dialed{conn}), nats.Name(name), nats.NoReconnect())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to the covewise in %s: %w", dir, err), conn.Close())
	}
	return nc, nil
}

// dialed is a connection that is there already. It is used once, for a command does not connect again.
type dialed struct{ conn net.Conn }

// Dial returns the connection, whatever address the client believes to connect to.
func (d dialed) Dial(string, string) (net.Conn, error) { return d.conn, nil }
