package bus

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Bucket names a key-value bucket. Each has one writer role.
type Bucket string

// The buckets with their writers.
const (
	DeviceState  Bucket = "device_state"    // evaluator
	TicketLedger Bucket = "ticket_ledger"   // ticketer
	TicketDesk   Bucket = "ticket_desk"     // ticketer
	Adoptions    Bucket = "ticket_adoption" // ticketer
	CompanyMap   Bucket = "company_map"     // companysync
	CompanyRound Bucket = "company_round"   // companysync
	PollLease    Bucket = "poll_lease"      // poller
	PollCursor   Bucket = "poll_cursor"     // poller
	TenantState  Bucket = "tenant_state"    // evaluator
	Tenants      Bucket = "tenant"          // settings
)

// Role names a consumer of a stream: the service that handles its messages.
type Role string

// The roles.
const (
	Evaluator   Role = "evaluator"
	Ticketer    Role = "ticketer"
	CompanySync Role = "companysync"
	// CompanyOrders is company-sync again: people's orders.
	CompanyOrders Role = "companysync-orders"
)

const day = 24 * time.Hour

// dedupWindow outlives every publisher's retries. It is a courtesy only: correctness comes from
// compare-and-set and from revisions.
const dedupWindow = 15 * time.Minute

// streamSpec declares one stream.
type streamSpec struct {
	name     string
	subjects []string
	maxAge   time.Duration
	// partitionBy lists the wildcards of <family>.v1.*.*.* whose values choose the partition; none: not partitioned.
	partitionBy []int
}

// consumerSpec declares a durable consumer, one for each partition where the stream has partitions.
type consumerSpec struct {
	role   Role
	family Family
	verbs  []string // empty: all
	// inFlight is how many messages may be handled at once; partitioned streams always have 1 for each
	// partition, which is what keeps the order of a key across crashes.
	inFlight int
}

// topology is the whole declaration of the bus: what Provision creates and what services look up.
type topology struct {
	streams   []streamSpec
	consumers []consumerSpec
	buckets   []jetstream.KeyValueConfig
}

func declared() topology {
	return topology{
		streams: []streamSpec{
			// By tenant: a sweep's end must not overtake its snapshots.
			{name: "STATUS", subjects: []string{"status.v1.*.*.*"}, maxAge: 90 * day, partitionBy: []int{2}},
			// By tenant and device: a device's failed and resolved keep their order.
			{name: "INCIDENT", subjects: []string{"incident.v1.*.*.*"}, maxAge: 400 * day, partitionBy: []int{2, 3}},
			{name: "COMPANY", subjects: []string{"company.v1.*.*.*"}, maxAge: 400 * day},
			{name: "TICKET", subjects: []string{"ticket.v1.*.*.*"}, maxAge: 400 * day},
			{name: "SETTINGS", subjects: []string{"settings.v1.*.*"}},
			{name: "DLQ", subjects: []string{"dlq.*.*"}, maxAge: 90 * day},
			{name: "ADVISORY", subjects: []string{
				"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>",
				"$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>",
			}, maxAge: 90 * day},
		},
		consumers: []consumerSpec{
			{role: Evaluator, family: Status},
			// Accounts of sweeps are for people; the ticketer does not hear of them.
			{role: Ticketer, family: Incident, verbs: []string{VerbFailed, VerbChanged, VerbResolved, VerbRedrive, VerbObserved}},
			{role: CompanySync, family: Company, verbs: []string{VerbWanted}, inFlight: 4},
			// Several at a time: a tenant whose server hangs must not hold the others' orders. Orders about one customer are kept
			// apart by compare-and-set and by the time at which they were given.
			{role: CompanyOrders, family: Company, verbs: []string{VerbOrdered}, inFlight: 16},
		},
		buckets: []jetstream.KeyValueConfig{
			{Bucket: string(DeviceState), Description: "What the evaluator remembers of each device"},
			{Bucket: string(TenantState), Description: "What the evaluator remembers of each tenant as a whole"},
			{Bucket: string(TicketLedger), Description: "How far the ticket of each incident has come"},
			{Bucket: string(TicketDesk), Description: "What the ticketer remembers of each tenant's service desk"},
			{Bucket: string(Adoptions), Description: "Open tickets of others that stood for devices at the first contact with a board"},
			{Bucket: string(CompanyMap), Description: "Which company stands for which customer", History: 8},
			{Bucket: string(CompanyRound), Description: "When each tenant's customers and companies were last compared as a whole"},
			{Bucket: string(PollLease), Description: "Who polls which tenant, and when it is due"},
			{Bucket: string(PollCursor), Description: "What was last published about each tenant's devices"},
			{Bucket: string(Tenants), Description: "Settings of each tenant", History: 64},
		},
	}
}

// streamName returns the stream that holds a family.
func streamName(f Family) string { return strings.ToUpper(string(f)) }

// config returns the stream's configuration for a number of partitions and replicas.
func (s streamSpec) config(partitions, replicas int) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name:               s.name,
		Subjects:           s.subjects,
		Retention:          jetstream.LimitsPolicy,
		Storage:            jetstream.FileStorage,
		MaxAge:             s.maxAge,
		Duplicates:         dedupWindow,
		Replicas:           replicas,
		AllowDirect:        true,
		AllowAtomicPublish: true,
		AllowMsgTTL:        true,
		Compression:        jetstream.S2Compression,
	}
	if len(s.partitionBy) > 0 {
		by := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.partitionBy), " ", ","), "[]")
		family := strings.ToLower(s.name)
		cfg.SubjectTransform = &jetstream.SubjectTransformConfig{
			Source: s.subjects[0],
			Destination: fmt.Sprintf("p.{{partition(%d,%s)}}.%s.v1.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}",
				partitions, by, family),
		}
	}
	return cfg
}

func (t topology) stream(f Family) streamSpec {
	for _, s := range t.streams {
		if s.name == streamName(f) {
			return s
		}
	}
	return streamSpec{}
}

func (t topology) consumer(role Role) consumerSpec {
	for _, c := range t.consumers {
		if c.role == role {
			return c
		}
	}
	return consumerSpec{}
}

// durables returns the configurations of a role's durable consumers, in order of partition.
func (t topology) durables(c consumerSpec, partitions int, ackWait time.Duration) []jetstream.ConsumerConfig {
	base := jetstream.ConsumerConfig{
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	if len(t.stream(c.family).partitionBy) == 0 {
		base.Durable = string(c.role)
		base.MaxAckPending = c.inFlight
		base.FilterSubjects = filters("", c)
		return []jetstream.ConsumerConfig{base}
	}
	all := make([]jetstream.ConsumerConfig, partitions)
	for p := range all {
		cfg := base
		cfg.Durable = fmt.Sprintf("%s-p%02d", c.role, p)
		cfg.MaxAckPending = 1
		cfg.FilterSubjects = filters(fmt.Sprintf("p.%d.", p), c)
		all[p] = cfg
	}
	return all
}

func filters(prefix string, c consumerSpec) []string {
	if len(c.verbs) == 0 {
		return []string{prefix + string(c.family) + ".v1.>"}
	}
	subjects := make([]string, len(c.verbs))
	for i, verb := range c.verbs {
		subjects[i] = prefix + string(c.family) + ".v1." + verb + ".>"
	}
	return subjects
}
