package cwfake

import "net/http"

// by is the part that the bodies of all people actions share: who acts, DefaultPerson if it is empty.
type by struct {
	By string `json:"by"`
}

type statusAction struct {
	by
	Ticket int    `json:"ticket"`
	Status string `json:"status"`
}

type renameAction struct {
	by
	Board string `json:"board"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// people is the table of the actions below /control/people/.
func (s *Server) people() map[string]func(*http.Request) (any, error) {
	return map[string]func(*http.Request) (any, error){
		"create": personal(s, func(p *Person, a *struct {
			by
			NewTicket
		},
		) (any, error) {
			id, err := p.CreateTicket(a.NewTicket)
			return map[string]int{"id": id}, err
		}),
		"close":     personal(s, func(p *Person, a *statusAction) (any, error) { return nil, p.Close(a.Ticket, a.Status) }),
		"reopen":    personal(s, func(p *Person, a *statusAction) (any, error) { return nil, p.Reopen(a.Ticket, a.Status) }),
		"setStatus": personal(s, func(p *Person, a *statusAction) (any, error) { return nil, p.SetStatus(a.Ticket, a.Status) }),
		"move": personal(s, func(p *Person, a *struct {
			statusAction
			Board string `json:"board"`
		},
		) (any, error) {
			return nil, p.Move(a.Ticket, a.Board, a.Status)
		}),
		"edit": personal(s, func(p *Person, a *struct {
			by
			Edit
			Ticket int `json:"ticket"`
		},
		) (any, error) {
			return nil, p.Edit(a.Ticket, a.Edit)
		}),
		"merge": personal(s, func(p *Person, a *struct {
			statusAction
			Into int `json:"into"`
		},
		) (any, error) {
			return nil, p.Merge(a.Ticket, a.Into, a.Status)
		}),
		"attachChild": personal(s, func(p *Person, a *struct {
			by
			Ticket int `json:"ticket"`
			Parent int `json:"parent"`
		},
		) (any, error) {
			return nil, p.AttachChild(a.Parent, a.Ticket)
		}),
		"delete": personal(s, func(p *Person, a *struct {
			by
			Ticket int `json:"ticket"`
		},
		) (any, error) {
			return nil, p.Delete(a.Ticket)
		}),
		"addNote": personal(s, func(p *Person, a *struct {
			by
			Ticket     int    `json:"ticket"`
			Text       string `json:"text"`
			AsCustomer bool   `json:"asCustomer"`
		},
		) (any, error) {
			return nil, p.AddNote(a.Ticket, a.Text, a.AsCustomer)
		}),
		"renameStatus":   personal(s, func(p *Person, a *renameAction) (any, error) { return nil, p.RenameStatus(a.Board, a.From, a.To) }),
		"renameBoard":    personal(s, func(p *Person, a *renameAction) (any, error) { return nil, p.RenameBoard(a.From, a.To) }),
		"renamePriority": personal(s, func(p *Person, a *renameAction) (any, error) { return nil, p.RenamePriority(a.From, a.To) }),
		"setStatusInactive": personal(s, func(p *Person, a *struct {
			by
			Board    string `json:"board"`
			Status   string `json:"status"`
			Inactive bool   `json:"inactive"`
		},
		) (any, error) {
			return nil, p.SetStatusInactive(a.Board, a.Status, a.Inactive)
		}),
		"setBoardInactive": personal(s, func(p *Person, a *struct {
			by
			Board    string `json:"board"`
			Inactive bool   `json:"inactive"`
		},
		) (any, error) {
			return nil, p.SetBoardInactive(a.Board, a.Inactive)
		}),
		"deleteCompany": personal(s, func(p *Person, a *companyAction) (any, error) { return nil, p.DeleteCompany(a.Company) }),
		"renameCompany": personal(s, func(p *Person, a *struct {
			companyAction
			Name string `json:"name"`
		},
		) (any, error) {
			return nil, p.RenameCompany(a.Company, a.Name)
		}),
		"setCompanyStatus": personal(s, func(p *Person, a *struct {
			companyAction
			Status string `json:"status"`
		},
		) (any, error) {
			return nil, p.SetCompanyStatus(a.Company, a.Status)
		}),
		"mergeCompany": personal(s, func(p *Person, a *struct {
			companyAction
			Into int `json:"into"`
		},
		) (any, error) {
			return nil, p.MergeCompany(a.Company, a.Into)
		}),
	}
}

type companyAction struct {
	by
	Company int `json:"company"`
}

// actor is a body that says who acts.
type actor interface{ actor() string }

func (b *by) actor() string { return b.By }

// personal decodes the body of an action and hands it over with the person it names.
func personal[T any](s *Server, act func(*Person, *T) (any, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		return accept(r, func(body *T) (any, error) {
			name := ""
			if a, ok := any(body).(actor); ok {
				name = a.actor()
			}
			return act(s.Person(name), body)
		})
	}
}
