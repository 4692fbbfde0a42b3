package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/covewise/covewise/allinone/internal/cli"
	"github.com/covewise/covewise/platform/bus"
	"github.com/covewise/covewise/platform/bus/bustest"
	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
	tenantv1 "github.com/covewise/covewise/proto/covewise/tenant/v1"
	ticketv1 "github.com/covewise/covewise/proto/covewise/ticket/v1"
)

// refused leaves one incident that the ticketer could not handle.
func refused(t *testing.T) string {
	return recorded(t, func(ctx context.Context, nc *nats.Conn) {
		b := bustest.Open(t, nc)
		tenants, err := bus.OpenStore[*tenantv1.Settings](ctx, b, bus.Tenants)
		require.NoError(t, err)
		_, err = tenants.Put(ctx, bus.Key("harbor"), &tenantv1.Settings{Id: "harbor"}, 0)
		require.NoError(t, err)
		require.NoError(t, b.Publish(ctx, bus.Message{
			Subject: bus.Subject{Family: bus.Incident, Verb: bus.VerbFailed, Tenant: "harbor", Key: "7"}, ID: "incident:harbor:7-1:1",
			Body: &incidentv1.Event{Tenant: "harbor", DeviceId: "7", IncidentId: "7-1"},
		}))
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		ended := make(chan error, 1)
		go func() {
			ended <- b.Consume(ctx, bus.Ticketer, time.Minute, func(context.Context, bus.Delivery) error {
				return errclass.New(errclass.Rejected, "apply", errors.New("no such thing"))
			})
		}()
		require.Eventually(t, func() bool {
			_, err := b.DeadLetter(ctx, 1)
			return err == nil
		}, 10*time.Second, 10*time.Millisecond)
		stop()
		require.NoError(t, <-ended)
	})
}

func TestDeadLettersOnTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := refused(t)
	run := func(args ...string) result {
		return execute(t.Context(), nil, append(append([]string{"dlq"}, args...), "--data", dir)...)
	}

	listed := run("list", "--output", "json")
	require.Equal(t, cli.ExitOK, listed.code, listed.stderr)
	var rows []map[string]any
	require.NoError(t, json.Unmarshal([]byte(listed.stdout), &rows))
	require.Len(t, rows, 1)
	require.Equal(t, "apply: no such thing", rows[0]["reason"])
	require.Equal(t, "incident.v1.failed.harbor.7", rows[0]["subject"])

	shown := run("show", "1")
	require.Equal(t, cli.ExitOK, shown.code, shown.stderr)
	require.Contains(t, shown.stdout, "reason    apply: no such thing\n")
	require.Contains(t, shown.stdout, `"7-1"`)

	require.Equal(t, result{cli.ExitUsage, "", "covewise: --tenant other is not known; choose one of harbor\n"}, run("list", "--tenant", "other"))
	require.Equal(t, result{cli.ExitUsage, "", "covewise: --tenant other is not known; choose one of harbor\n"}, run("discard", "--all", "--tenant", "other"))
	for _, verb := range []string{"show", "discard", "redrive"} {
		require.Equal(t, result{cli.ExitUsage, "", "covewise: dead letter 1 is of tenant harbor, not of other; leave --tenant out, or correct it\n"},
			run(verb, "1", "--tenant", "other"))
	}
	require.Equal(t, cli.ExitUsage, run("show", "0").code)
	require.Equal(t, result{cli.ExitFailed, "", "covewise: no such dead letter: 99; covewise dlq list shows what there is\n"}, run("show", "99"))
	require.Equal(t, cli.ExitUsage, run("redrive").code)
	require.Equal(t, cli.ExitUsage, run("redrive", "1", "--all").code)
	require.Equal(t, cli.ExitUsage, run("discard", "one").code)
	require.Equal(t, cli.ExitUsage, run("list", "--output", "xml").code)

	driven := run("redrive", "--all")
	require.Equal(t, result{
		cli.ExitOK, "1 put back to be handled again: incident.v1.failed.harbor.7\n1 dead letter put back to be handled again\n",
		"covewise: no covewise runs there; it is handled at the next start\n",
	}, driven)
	require.Equal(t, "no dead letters\n", run("list").stdout)
	require.Equal(t, result{cli.ExitOK, "0 dead letters discarded\n", ""}, run("discard", "--all", "--tenant", "harbor"))
}

func TestEveryDeadLetterIsDiscardedHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	const all = 1003 // more than are listed at once
	dir := recorded(t, func(ctx context.Context, nc *nats.Conn) {
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		for i := range all {
			msg := nats.NewMsg("dlq.ticketer." + []string{"harbor", "other"}[i%2])
			msg.Header.Set(bus.HeaderSubject, "incident.v1.failed.harbor.7")
			_, err := js.PublishMsgAsync(msg)
			require.NoError(t, err)
		}
		<-js.PublishAsyncComplete()
	})
	run := func(args ...string) result {
		return execute(t.Context(), nil, append(append([]string{"dlq"}, args...), "--data", dir)...)
	}
	listed := run("list", "--output", "csv")
	require.Equal(t, "covewise: only the 1000 oldest are listed\n", listed.stderr)
	require.Equal(t, 1001, strings.Count(listed.stdout, "\n"))
	twice := run("discard", "2", "2")
	require.Equal(t, result{cli.ExitOK, "2 discarded: incident.v1.failed.harbor.7\n", ""}, twice)
	discarded := run("discard", "--all", "--tenant", "harbor")
	require.Contains(t, discarded.stdout, "\n502 dead letters discarded\n")
	discarded = run("discard", "--all")
	require.Contains(t, discarded.stdout, "\n500 dead letters discarded\n")
	require.Equal(t, "no dead letters\n", run("list").stdout)
}

func TestBodiesOfAllKindsAreShown(t *testing.T) {
	t.Parallel()
	type body struct {
		subject bus.Subject
		carries proto.Message
		holds   string
	}
	at := func(family bus.Family, verb string) bus.Subject {
		return bus.Subject{Family: family, Verb: verb, Tenant: "harbor", Key: "7"}
	}
	cases := []body{
		{at(bus.Status, bus.VerbSnapshot), &statusv1.Snapshot{DeviceId: "7"}, `"deviceId"`},
		{at(bus.Status, bus.VerbSweep), &statusv1.SweepCompleted{Devices: 3}, `"devices"`},
		{at(bus.Status, bus.VerbOverdue), &statusv1.SweepOverdue{Tenant: "harbor"}, `"harbor"`},
		{at(bus.Incident, bus.VerbFailed), &incidentv1.Event{IncidentId: "7-1", Site: "a\u202eb"}, `"7-1"`},
		{at(bus.Incident, bus.VerbChanged), &incidentv1.Event{IncidentId: "7-1"}, `"7-1"`},
		{at(bus.Incident, bus.VerbResolved), &incidentv1.Event{IncidentId: "7-1"}, `"7-1"`},
		{at(bus.Incident, bus.VerbRedrive), &incidentv1.Event{IncidentId: "7-1"}, `"7-1"`},
		{at(bus.Incident, bus.VerbJudged), &incidentv1.SweepJudged{InTrouble: 2}, `"inTrouble"`},
		{at(bus.Incident, bus.VerbObserved), &ticketv1.Observation{Observed: &ticketv1.Observed{Status: "New"}}, `"New"`},
		{at(bus.Company, bus.VerbWanted), &companyv1.Wanted{IncidentId: "7-1"}, `"7-1"`},
		{at(bus.Company, bus.VerbLinked), &companyv1.Answered{CustomerId: "710"}, `"710"`},
		{at(bus.Company, bus.VerbProposed), &companyv1.Answered{CustomerId: "710"}, `"710"`},
		{at(bus.Company, bus.VerbRefused), &companyv1.Answered{CustomerId: "710"}, `"710"`},
		{at(bus.Company, bus.VerbOrdered), &companyv1.Ordered{Order: &companyv1.Order{CompanyId: 12}}, `"companyId"`},
		{at(bus.Ticket, "created"), &ticketv1.Event{TicketId: 12}, `"ticketId"`},
		{bus.Subject{Family: bus.Settings, Verb: bus.VerbTenant, Tenant: "harbor"}, &tenantv1.Changed{Author: "ann"}, `"ann"`},
		{bus.Subject{Family: bus.Settings, Verb: bus.VerbPolicy, Tenant: "harbor"}, &tenantv1.PolicyChanged{Author: "ann"}, `"ann"`},
		{at("weather", "failed"), &incidentv1.Event{IncidentId: "7-1"}, "bytes that are no message of this kind"},
		{at(bus.Incident, "dreamt"), &incidentv1.Event{IncidentId: "7-1"}, "bytes that are no message of this kind"},
	}
	dir := recorded(t, func(ctx context.Context, nc *nats.Conn) {
		js, err := jetstream.New(nc)
		require.NoError(t, err)
		for _, c := range cases {
			msg := nats.NewMsg("dlq.ticketer.harbor")
			msg.Header.Set(bus.HeaderSubject, c.subject.String())
			msg.Header.Set(bus.HeaderReason, "no \x1b[2Jway")
			msg.Data, err = proto.Marshal(c.carries)
			require.NoError(t, err)
			_, err = js.PublishMsg(ctx, msg)
			require.NoError(t, err)
		}
	})
	for i, c := range cases {
		got := execute(t.Context(), nil, "dlq", "show", fmt.Sprint(i+1), "--data", dir)
		require.Equal(t, cli.ExitOK, got.code, got.stderr)
		require.Contains(t, got.stdout, c.holds, c.subject)
		require.Contains(t, got.stdout, "reason    no  [2Jway\n")
		require.NotContains(t, got.stdout, "\u202e")
	}
}

func TestADirectoryWithoutARecordIsNotMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/none"
	got := execute(t.Context(), nil, "dlq", "list", "--data", dir)
	require.Equal(t, result{cli.ExitFailed, "", "covewise: nothing is recorded in " + dir + "; name the --data of a covewise up\n"}, got)
	require.NoDirExists(t, dir)
	require.Equal(t, "covewise: --data is missing; name the directory of covewise up, or a cluster with --nats\n",
		execute(t.Context(), nil, "dlq", "list").stderr)
}
