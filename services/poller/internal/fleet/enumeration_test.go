package fleet_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/covewise/covewise/platform/errclass"
	"github.com/covewise/covewise/services/poller/internal/fleet"
)

func TestAnEnumerationKnowsWhenItIsNotWhole(t *testing.T) {
	const asked = 3 // rows of a page
	rows := func(ids ...int64) []fleet.Device {
		var all []fleet.Device
		for _, id := range ids {
			all = append(all, fleet.Device{ID: id})
		}
		return all
	}
	typed := func(at string, ids ...int64) []fleet.Device {
		all := rows(ids...)
		for i := range all {
			all[i].Columns = map[string]string{"AT": at}
		}
		return all
	}
	totals := func(n int) map[string]string {
		return map[string]string{"COUNT(AT==0)": "0", "COUNT(AT==1)": fmt.Sprint(n - 1), "COUNT(AT==2)": "1"}
	}
	type page struct {
		rows   []fleet.Device
		totals map[string]string
	}
	cases := []struct {
		says  string
		pages []page
		known int
		want  string // the misfit; empty: whole after the last page
	}{
		{"one short page", []page{{rows(1, 2), totals(2)}}, 2, ""},
		{"pages that begin with the last row of the one before", []page{{rows(1, 2, 3), totals(4)}, {rows(3, 4), totals(4)}}, 4, ""},
		{"exactly a page", []page{{rows(1, 2, 3), totals(3)}, {rows(3), totals(3)}}, 3, ""},
		{"pages in an order of the server's own", []page{{rows(7, 2, 9), totals(4)}, {rows(9, 4), totals(4)}}, 4, ""},
		{"without totals asking on brings nothing new", []page{{rows(1, 2), nil}, {rows(2), nil}}, 2, ""},
		{"without totals a server may give fewer rows than asked for", []page{{rows(1, 2), nil}, {rows(2, 3), nil}, {rows(3), nil}}, 3, ""},
		{"with totals too", []page{{rows(1, 2), totals(3)}, {rows(2, 3), totals(3)}}, 3, ""},
		{"a device added while reading", []page{{rows(1, 2, 3), totals(3)}, {rows(3, 4), totals(4)}}, 3, ""},
		{"a device ahead removed while reading", []page{{rows(1, 2, 3), totals(5)}, {rows(3, 5), totals(4)}}, 5, ""},
		{"types that the totals do not count", []page{{typed("3", 1, 2), totals(1)}, {typed("3", 2), totals(1)}}, 0, "the pages held 0 devices and Cove counts 1"},
		{"a type beside those that the totals count", []page{{append(rows(1), typed("3", 2)...), totals(1)}}, 0, ""},
		{"empty and always was", []page{{nil, nil}}, 0, ""},
		{"a row missing", []page{{rows(1, 2), totals(3)}, {rows(2), totals(3)}}, 3, "the pages held 2 devices and Cove counts 3"},
		{"a row missing within a page", []page{{rows(1, 3), totals(3)}, {rows(2, 3), totals(3)}}, 3, "row 1 was device 3 and is device 2 now: the pages do not fit together, so others may be missing"},
		{"a device behind removed while reading: the rows shifted", []page{{rows(1, 2, 3), totals(5)}, {rows(4, 5), totals(4)}}, 5, "row 2 was device 3 and is device 4 now: the pages do not fit together, so others may be missing"},
		{"a page repeated", []page{{rows(1, 2, 3), totals(5)}, {rows(1, 2, 3), totals(5)}}, 5, "row 2 was device 3 and is device 1 now: the pages do not fit together, so others may be missing"},
		{"a page upside down", []page{{rows(1, 2, 3), totals(5)}, {rows(5, 4, 3), totals(5)}}, 5, "row 2 was device 3 and is device 5 now: the pages do not fit together, so others may be missing"},
		{"a page missing", []page{{rows(1, 2, 3), totals(5)}, {nil, totals(5)}}, 5, "row 2 was device 3 and now there is none: rows are missing, or devices went while the pages were read"},
		{"a row twice", []page{{rows(1, 2, 3), totals(5)}, {rows(3, 2, 4), totals(5)}}, 5, "device 2 came twice: the pages overlap, so others may be missing"},
		{"suddenly nothing", []page{{nil, nil}}, 3, "no device was returned; the last complete sweep had 3"},
		{"a total that is no number", []page{{rows(1), map[string]string{"COUNT(AT==1)": "x"}}}, 1, `total COUNT(AT==1) is "x", not a number`},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			e := &fleet.Enumeration{}
			var err error
			done := false
			for _, p := range c.pages {
				require.False(t, done, "the end came too early")
				if _, done, err = e.Add(p.rows, p.totals, asked); err != nil {
					break
				}
			}
			if err == nil {
				require.True(t, done, "the end was not seen")
				err = e.Check(c.known)
			}
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
		})
	}
}

func TestColumnsThatNoDeviceHasAreTold(t *testing.T) {
	asked := []string{"AN", "AT", "CD", "I78", "OS", "OT", "TS", "D01F00", "D02F00", "D01F09"}
	device := func(columns map[string]string) fleet.Device { return fleet.Device{Columns: columns} }
	cases := []struct {
		says                string
		refused, unanswered []string
		want                string
		class               errclass.Class
	}{
		{"all came", nil, nil, "", 0},
		{"a column that nothing is judged by", nil, []string{"OS"}, "", 0},
		{"a column that another page has", nil, []string{"AN"}, "", 0},
		{"a data source that is refused", []string{"D02F00"}, nil, "", 0},
		{"a status that came for no device", nil, []string{"D02F00"}, "devices cannot be judged without column D02F00 (came for no device)", errclass.Transient},
		{"the type is refused", []string{"AT"}, nil, "devices cannot be judged without column AT (refused to this login)", errclass.AuthTenant},
	}
	for _, c := range cases {
		t.Run(c.says, func(t *testing.T) {
			a := fleet.NewAnswers(asked)
			a.Page([]fleet.Device{device(map[string]string{"AN": "srv"})}, nil, nil)
			a.Page([]fleet.Device{device(nil)}, c.refused, c.unanswered)
			require.Equal(t, c.refused, a.Refused())
			err := a.Check()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
			require.Equal(t, c.class, errclass.Of(err))
			if len(c.unanswered) > 0 {
				require.Equal(t, c.unanswered, a.Unanswered())
			}
		})
	}
}
