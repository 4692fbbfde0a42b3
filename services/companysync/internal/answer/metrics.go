package answer

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/covewise/covewise/platform/errclass"
	companyv1 "github.com/covewise/covewise/proto/covewise/company/v1"
)

// result is what became of a question; the closed set of the metric's label.
type result string

const (
	resultStored     result = "stored"
	resultMatched    result = "matched"
	resultOrdered    result = "ordered"
	resultCreated    result = "created"
	resultCatchAll   result = "catch_all"
	resultProposed   result = "proposed"
	resultAmbiguous  result = "ambiguous"
	resultMissing    result = "missing"
	resultBroken     result = "broken"
	resultExcluded   result = "excluded"
	resultUnanswered result = "unanswered"
)

// Metrics count answers and failures.
type Metrics struct {
	answers  *prometheus.CounterVec
	failures *prometheus.CounterVec
}

// NewMetrics registers the metrics; reg may be nil.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_companysync_answers_total", Help: "Questions for a customer's company, by what was answered.",
		}, []string{"result"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "covewise_companysync_failures_total", Help: "Questions that ConnectWise did not answer, by class of the failure.",
		}, []string{"class"}),
	}
	for _, r := range []result{
		resultStored, resultMatched, resultOrdered, resultCreated, resultCatchAll, resultProposed, resultAmbiguous, resultMissing,
		resultBroken, resultExcluded, resultUnanswered,
	} {
		m.answers.WithLabelValues(string(r))
	}
	for _, class := range errclass.All() {
		m.failures.WithLabelValues(class.String())
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.answers), reg.Register(m.failures))
}

func (m *Metrics) answered(r result) { m.answers.WithLabelValues(string(r)).Inc() }

func (m *Metrics) failed(c errclass.Class) { m.failures.WithLabelValues(c.String()).Inc() }

func resultOf(link *companyv1.Link) result {
	switch link.GetState() {
	case companyv1.LinkState_LINK_STATE_LINKED:
		switch link.GetMethod() {
		case companyv1.LinkMethod_LINK_METHOD_CATCH_ALL:
			return resultCatchAll
		case companyv1.LinkMethod_LINK_METHOD_ORDERED:
			return resultOrdered
		case companyv1.LinkMethod_LINK_METHOD_CREATED:
			return resultCreated
		default:
			return resultMatched
		}
	case companyv1.LinkState_LINK_STATE_PROPOSED:
		return resultProposed
	case companyv1.LinkState_LINK_STATE_AMBIGUOUS:
		return resultAmbiguous
	case companyv1.LinkState_LINK_STATE_BROKEN:
		return resultBroken
	case companyv1.LinkState_LINK_STATE_EXCLUDED:
		return resultExcluded
	default:
		return resultMissing
	}
}
