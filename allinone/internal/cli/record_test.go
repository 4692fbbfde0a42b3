package cli_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/allinone/internal/server"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
)

// recorded makes a data directory in which a covewise has run and left what f puts there.
func recorded(t *testing.T, f func(ctx context.Context, nc *nats.Conn)) string {
	t.Helper()
	dir := t.TempDir()
	lock, err := server.Directory(dir)
	require.NoError(t, err)
	s, err := server.Start(t.Context(), lock, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	nc, err := s.Connect("test")
	require.NoError(t, err)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	require.NoError(t, bus.Provision(t.Context(), js, bus.ProvisionOptions{Partitions: bustest.Partitions, Replicas: 1}))
	f(t.Context(), nc)
	nc.Close()
	require.NoError(t, s.Stop())
	return dir
}
