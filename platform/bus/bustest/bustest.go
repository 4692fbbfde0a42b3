// Package bustest gives tests a real bus: a nats-server in the test's own process. Only tests import it, so
// that no service links the server.
package bustest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/bus"
)

// Partitions is how many partitions the test bus has.
const Partitions = 4

// Server starts an in-process server with JetStream on disk in dir and stops it when the test ends.
func Server(t testing.TB, dir string) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(10*time.Second), "nats-server did not become ready")
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// Connect returns a connection to a server, closed when the test ends.
func Connect(t testing.TB, s *server.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.MaxReconnects(-1))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// Start returns a connection to a fresh, provisioned server.
func Start(t testing.TB) *nats.Conn {
	t.Helper()
	nc := Connect(t, Server(t, t.TempDir()))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, bus.Provision(t.Context(), js, bus.ProvisionOptions{Partitions: Partitions, Replicas: 1}))
	return nc
}

// Open returns a bus over a connection, for a service called "test". Its log goes to the test's.
func Open(t testing.TB, nc *nats.Conn) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), nc, bus.Options{Service: "test", Logger: Logger(t)})
	require.NoError(t, err)
	return b
}

// Logger returns a logger that writes to the test's log.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
