package server_test

import (
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/server"
)

func started(t *testing.T, dir string) *server.Server {
	t.Helper()
	lock, err := server.Directory(dir)
	require.NoError(t, err)
	s, err := server.Start(t.Context(), lock, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

func TestCommandsReachARunningServerThroughItsDoor(t *testing.T) {
	dir := t.TempDir()
	_, err := server.Knock(t.Context(), dir, "test")
	require.ErrorIs(t, err, server.ErrNotRunning)

	// A process that was killed leaves its socket behind.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "covewise.sock"), Net: "unix"})
	require.NoError(t, err)
	stale.SetUnlinkOnClose(false)
	require.NoError(t, stale.Close())
	_, err = server.Knock(t.Context(), dir, "test")
	require.ErrorIs(t, err, server.ErrNotRunning)

	s := started(t, dir)
	door, err := s.OpenDoor(t.Context())
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, "covewise.sock"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), "nobody else gets in")
	ended := make(chan error, 1)
	go func() { ended <- door.Run(t.Context()) }()

	inside, err := s.Connect("inside")
	require.NoError(t, err)
	defer inside.Close()
	_, err = inside.Subscribe("echo", func(m *nats.Msg) { _ = m.Respond(m.Data) })
	require.NoError(t, err)
	require.NoError(t, inside.Flush())
	outside, err := server.Knock(t.Context(), dir, "outside")
	require.NoError(t, err)
	large := []byte(strings.Repeat("x", 4<<20)) // the largest records are megabytes
	reply, err := outside.RequestWithContext(t.Context(), "echo", large)
	require.NoError(t, err)
	require.Equal(t, large, reply.Data)

	closed := make(chan struct{})
	outside.SetClosedHandler(func(*nats.Conn) { close(closed) })
	s2, err := server.Knock(t.Context(), dir, "second")
	require.NoError(t, err)
	s2.Close()
	require.NoError(t, door.Close())
	outside.Close()
	<-closed
	require.NoError(t, <-ended)
	_, err = server.Knock(t.Context(), dir, "test")
	require.ErrorIs(t, err, server.ErrNotRunning)
}

func TestAPathTooLongForASocketIsSaid(t *testing.T) {
	s := started(t, filepath.Join(t.TempDir(), strings.Repeat("long", 25)))
	_, err := s.OpenDoor(t.Context())
	require.ErrorContains(t, err, "is too long for a socket")
}
