package judge

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	incidentv1 "github.com/covewise/covewise/proto/covewise/incident/v1"
	statusv1 "github.com/covewise/covewise/proto/covewise/status/v1"
)

// Remember returns the state with a newer snapshot in it, and true; or the state as given, and false, when
// the snapshot is not newer. Nothing is judged. state is nil for a device seen for the first time; seen is
// the snapshot, decoded. A snapshot of a device that was gone brings it back.
func Remember(state *incidentv1.DeviceState, snapshot *statusv1.Snapshot, seen Observation) (*incidentv1.DeviceState, bool) {
	if state == nil {
		state = &incidentv1.DeviceState{
			SchemaVersion: schemaVersion,
			Tenant:        snapshot.GetTenant(),
			DeviceId:      snapshot.GetDeviceId(),
			FirstSeenAt:   snapshot.GetObservedAt(),
		}
	} else if snapshot.GetSweep() <= state.GetSnapshot().GetSweep() || snapshot.GetSweep() < state.GetDecidedSweep() {
		return state, false
	}
	next := proto.CloneOf(state)
	next.Snapshot = snapshot
	next.Gone = false
	if seen.SourcesKnown {
		next.SourcesSeen = carrySeen(state, seen, snapshot.GetObservedAt())
	}
	return next, true
}

// carrySeen carries on what is remembered of data sources, in order of code. Those that are not configured any more
// are forgotten: configured again, they start anew.
func carrySeen(state *incidentv1.DeviceState, seen Observation, at *timestamppb.Timestamp) []*incidentv1.SourceSeen {
	var after []*incidentv1.SourceSeen
	carry := func(code string, errorFree Fact[time.Time], waiting bool) {
		next := &incidentv1.SourceSeen{Code: code, At: at}
		if before := seenSource(state, code); before != nil {
			next = proto.CloneOf(before)
		}
		if errorFree.Known {
			next.ErrorFreeAt = timestamppb.New(errorFree.Value)
		}
		switch {
		case !waiting:
			next.WaitingSince = nil
		case next.GetWaitingSince() == nil:
			next.WaitingSince = at
		}
		after = append(after, next)
	}
	total, settled := seen.TotalSuccess, true
	for _, source := range seen.Sources {
		settled = settled && !source.Last.Value.unsettled()
	}
	if !settled || !seen.TotalErrors.Known || seen.TotalErrors.Value > 0 {
		total = Fact[time.Time]{}
	}
	carry(DeviceWide, total, false)
	for _, source := range seen.Sources {
		carry(source.Code, source.errorFree(seen.TotalErrors), source.Last.Value.waiting())
	}
	slices.SortFunc(after, func(a, b *incidentv1.SourceSeen) int { return cmp.Compare(a.GetCode(), b.GetCode()) })
	return after
}

// errorFree returns the time of the last good backup if it was free of errors. While a session runs, the errors of
// the one before are not known. Where the vendor does not count them for the data source, those of the whole device do.
func (s Source) errorFree(total Fact[int64]) Fact[time.Time] {
	counted := s.Errors
	if !counted.Known {
		counted = total
	}
	if s.Last.Value == StatusCompleted && counted.Known && counted.Value == 0 {
		return s.Success
	}
	return Fact[time.Time]{}
}
