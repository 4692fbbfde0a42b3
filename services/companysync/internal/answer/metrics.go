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
	resultReference  result = "reference"
	resultName       result = "exact_name"
	resultCatchAll   result = "catch_all"
	resultAmbiguous  result = "ambiguous"
	resultMissing    result = "missing"
	resultBroken     result = "broken"
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
		resultStored, resultReference, resultName, resultCatchAll, resultAmbiguous, resultMissing, resultBroken, resultUnanswered,
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
	switch link.GetMethod() {
	case companyv1.LinkMethod_LINK_METHOD_REFERENCE:
		return resultReference
	case companyv1.LinkMethod_LINK_METHOD_EXACT_NAME:
		return resultName
	case companyv1.LinkMethod_LINK_METHOD_CATCH_ALL:
		return resultCatchAll
	case companyv1.LinkMethod_LINK_METHOD_UNSPECIFIED:
	}
	switch link.GetState() {
	case companyv1.LinkState_LINK_STATE_AMBIGUOUS:
		return resultAmbiguous
	case companyv1.LinkState_LINK_STATE_BROKEN:
		return resultBroken
	default:
		return resultMissing
	}
}
