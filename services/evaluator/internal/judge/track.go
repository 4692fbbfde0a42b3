package judge

import (
	"slices"

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
		next.SourcesSeen = carrySeen(state.GetSourcesSeen(), seen.Sources, snapshot.GetObservedAt())
	}
	return next, true
}

// carrySeen forgets data sources that are not configured any more: configured again, they start anew.
func carrySeen(before []*incidentv1.SourceSeen, sources []Source, at *timestamppb.Timestamp) []*incidentv1.SourceSeen {
	after := make([]*incidentv1.SourceSeen, len(sources))
	for i, source := range sources {
		after[i] = &incidentv1.SourceSeen{Code: source.Code, At: at}
		if j := slices.IndexFunc(before, func(s *incidentv1.SourceSeen) bool { return s.GetCode() == source.Code }); j >= 0 {
			after[i] = before[j]
		}
	}
	return after
}

func keyOf(track *incidentv1.ConditionTrack) key { return key{track.GetKind(), track.GetSourceCode()} }

func trackOf(state *incidentv1.DeviceState, k key) *incidentv1.ConditionTrack {
	for _, track := range state.GetTracks() {
		if keyOf(track) == k {
			return track
		}
	}
	return nil
}

func hasTrack(state *incidentv1.DeviceState, k key) bool { return trackOf(state, k) != nil }

func sameTracks(a, b []*incidentv1.ConditionTrack) bool {
	return slices.EqualFunc(a, b, func(x, y *incidentv1.ConditionTrack) bool { return proto.Equal(x, y) })
}
