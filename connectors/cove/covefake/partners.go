package covefake

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// login answers the user. The visa is issued by the caller.
func login(c *call) (answer, *rpcError) {
	s, p := c.server, c.params
	partner, user, password := p.text("partner"), p.text("username"), p.text("password")
	if err := p.rest(); err != nil {
		return answer{}, err
	}
	if c.now.Before(s.lockedTil) {
		return answer{}, c.fail(ErrLockedOut, "The user is locked.")
	}
	want := s.options.Partner
	if want == "" {
		want = c.partners[c.root].Name
	}
	goodPartner := partner == want || !p.has("partner") && !c.switches.PartnerRequired
	if !goodPartner || user != s.options.Username || password != s.options.Password || password == "" {
		s.badLogins++
		if c.switches.LockAfter > 0 && s.badLogins >= c.switches.LockAfter {
			s.badLogins = 0
			s.lockedTil = c.now.Add(time.Duration(c.switches.LockSeconds) * time.Second)
		}
		return answer{}, &rpcError{codeInternal, dataBadLogin, "Unknown partner/username or bad password"}
	}
	s.badLogins = 0
	return answer{result: struct {
		ID             int64 `json:"Id"`
		PartnerID      int64 `json:"PartnerId"`
		RoleID         int64 `json:"RoleId"`
		Name           string
		EmailAddress   string
		FirstName      string
		FullName       string
		Title          string
		PhoneNumber    string
		Password       *string
		Flags          []string
		FirstLoginTime int64
		LastLoginTime  int64
	}{
		ID: userID, PartnerID: c.root, RoleID: 4, Name: user, EmailAddress: "api@covefake.example", FullName: "API user",
		Flags: []string{"NonInteractive"}, FirstLoginTime: 1760000000, LastLoginTime: c.now.Unix(),
	}}, nil
}

func getServerInfo(*call) (answer, *rpcError) {
	return answer{result: map[string]string{"Version": "26.1.0.26067"}}, nil
}

// partnerInfo is the PartnerInfo struct of the API.
type partnerInfo struct {
	ID                        int64 `json:"Id"`
	ParentID                  int64 `json:"ParentId"`
	Name                      *string
	Level                     *string
	State                     *string
	ServiceType               *string
	ChildServiceTypes         []string
	ExternalCode              *string
	UID                       *string `json:"Uid"`
	CreationTime              *int64
	TrialRegistrationTime     *int64
	TrialExpirationTime       *int64
	LocationID                *int64 `json:"LocationId"`
	MailFrom                  *string
	MailingOption             string `json:",omitempty"`
	Flags                     []string
	PrivateFlags              []string
	Privilege                 string `json:",omitempty"`
	RegistrationOrigin        string `json:",omitempty"`
	AdvancedPartnerProperties any
	ExternalPartnerProperties any
	Company                   any
}

// allFields are the field numbers that EnumeratePartners knows.
var allFields = []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}

// info fills in the requested fields; the others are null, and Company degrades [N-able documentation].
func info(p *Partner, wanted []int64) partnerInfo {
	in := partnerInfo{
		ID: p.ID, ParentID: p.ParentID,
		Company: struct{ PostAddress *Address }{},
	}
	location, none, expiry := int64(18), "", p.CreationTime+30*24*3600
	if p.State != "InTrial" {
		expiry = 0
	}
	for _, f := range wanted {
		switch f {
		case 0:
			in.Name = &p.Name
		case 1:
			in.Level = &p.Level
		case 3:
			in.ChildServiceTypes = []string{p.ServiceType}
		case 4:
			in.ServiceType = &p.ServiceType
		case 5:
			in.State = &p.State
		case 8:
			in.LocationID = &location
		case 10:
			in.Company = company(p)
		case 11:
			in.TrialRegistrationTime = &p.CreationTime
		case 12:
			in.TrialExpirationTime = &expiry
		case 18:
			in.ExternalCode, in.MailFrom = &p.ExternalCode, &none
		case 20:
			in.CreationTime = &p.CreationTime
		case 21:
			in.UID = &p.UID
		default: // the meaning of the others is unknown
		}
	}
	return in
}

func company(p *Partner) Company {
	c := p.Company
	if c.LegalCompanyName == "" {
		c.LegalCompanyName = p.Name
	}
	return c
}

func fullInfo(p *Partner) partnerInfo {
	in := info(p, allFields)
	in.MailingOption, in.Privilege, in.RegistrationOrigin = "Undefined", "Regular", "Domestic"
	in.AdvancedPartnerProperties = map[string]int{"RegionId": 0, "ResponsibleUserId": 0}
	return in
}

// visible returns a partner that is not removed and within the login's subtree.
func (c *call) visible(id int64) (*Partner, *rpcError) {
	p := c.partners[id]
	switch {
	case p == nil || p.Removed:
		return nil, c.fail(ErrUnknownPartner, "Partner %d does not exist.", id)
	case !c.within(id):
		return nil, c.refuse("partner %d is out of reach.", id)
	default:
		return p, nil
	}
}

func (c *call) partnerParam(name string) (*Partner, *rpcError) {
	id, given := c.params.id(name)
	if !given || id == 0 {
		return nil, c.refuse("%s is missing.", name)
	}
	return c.visible(id)
}

// fieldsParam reads the list of wanted fields.
func (c *call) fieldsParam() []int64 {
	wanted, given := c.params.integers("fields")
	if !given {
		if c.switches.NoFieldsByDefault {
			return nil
		}
		return allFields
	}
	if slices.ContainsFunc(wanted, func(f int64) bool { return !slices.Contains(allFields, f) }) {
		c.params.wrong("fields", "a list of numbers from 0 to 22")
	}
	return wanted
}

func (c *call) onePartner(what string, is func(*Partner) bool) (answer, *rpcError) {
	for _, id := range slices.Sorted(maps.Keys(c.partners)) {
		if is(c.partners[id]) && !c.partners[id].Removed {
			p, err := c.visible(id)
			if err != nil {
				return answer{}, err
			}
			return answer{result: fullInfo(p)}, nil
		}
	}
	return answer{}, c.fail(ErrUnknownPartner, "Partner %q does not exist.", what)
}

func getPartnerInfo(c *call) (answer, *rpcError) {
	name := c.params.text("name")
	return c.onePartner(name, func(p *Partner) bool { return p.Name == name })
}

func getPartnerInfoByUID(c *call) (answer, *rpcError) {
	uid := c.params.text("partnerUid")
	return c.onePartner(uid, func(p *Partner) bool { return p.UID == uid })
}

func getPartnerInfoByID(c *call) (answer, *rpcError) {
	p, err := c.partnerParam("partnerId")
	if err != nil {
		return answer{}, err
	}
	return answer{result: fullInfo(p)}, nil
}

func enumeratePartners(c *call) (answer, *rpcError) {
	top, err := c.partnerParam("parentPartnerId")
	recursively, wanted := c.params.flag("fetchRecursively"), c.fieldsParam()
	if err != nil {
		return answer{}, err
	}
	in := c.subtree(top.ID)
	delete(in, top.ID) // the parent itself is not in the list [observed]
	var infos []partnerInfo
	for _, id := range slices.Sorted(maps.Keys(in)) {
		p := c.partners[id]
		if !p.Removed && (recursively || p.ParentID == top.ID) {
			infos = append(infos, info(p, wanted))
		}
	}
	return answer{result: list(c, infos)}, nil
}

// node is an element of a partner tree.
type node struct {
	ActualChildCount int
	Children         []node
	Info             partnerInfo
}

func enumerateChildPartners(c *call) (answer, *rpcError) {
	top, err := c.partnerParam("partnerId")
	wanted, w := c.fieldsParam(), c.params.window()
	filter := c.params.object("partnerFilter")
	if order := filter.text("SortOrder"); order != "" && order != "ByLevelAndName" {
		filter.wrong("SortOrder", "ByLevelAndName")
	}
	if err != nil {
		return answer{}, err
	}
	children := c.children(top.ID)
	slices.SortStableFunc(children, func(a, b *Partner) int {
		return cmp.Or(cmp.Compare(slices.Index(levels, a.Level), slices.Index(levels, b.Level)), cmp.Compare(a.Name, b.Name))
	})
	result := node{ActualChildCount: len(children), Info: info(top, wanted)}
	if w.given { // without a usable range Children is null [observed]
		for _, p := range cut(w, children) {
			result.Children = append(result.Children, node{ActualChildCount: len(c.children(p.ID)), Info: info(p, wanted)})
		}
	}
	return answer{result: result}, nil
}

func (c *call) children(id int64) []*Partner {
	var l []*Partner
	for _, child := range slices.Sorted(maps.Keys(c.partners)) {
		if p := c.partners[child]; p.ParentID == id && !p.Removed {
			l = append(l, p)
		}
	}
	return l
}

// enumerateAncestorPartners lists the partner itself and all above it, those above the login's own included [observed].
func enumerateAncestorPartners(c *call) (answer, *rpcError) {
	p, err := c.partnerParam("partnerId")
	if err != nil {
		return answer{}, err
	}
	var infos []partnerInfo
	for p != nil {
		infos = append(infos, fullInfo(p))
		p = c.partners[p.ParentID]
	}
	return answer{result: list(c, infos)}, nil
}

func getPartnerInfoHistory(c *call) (answer, *rpcError) {
	id, given := c.params.id("partnerId")
	wanted, fieldsGiven := c.params.integers("fields")
	if !fieldsGiven {
		wanted = nil // without field 0 names are null [observed]
	}
	switch {
	case !given:
		return answer{}, c.refuse("partnerId is missing.")
	case len(c.history[id]) == 0:
		return answer{}, c.fail(ErrUnknownPartner, "Partner %d does not exist.", id)
	case !c.within(id):
		return answer{}, c.refuse("partner %d is out of reach.", id)
	default:
	}
	var pairs [][2]any
	for _, e := range c.history[id] {
		pairs = append(pairs, [2]any{info(e.partner, wanted), map[string]int64{"Timestamp": e.since}})
	}
	return answer{result: list(c, pairs)}, nil
}

// modifyPartner changes the members that are present and no others.
func modifyPartner(c *call) (answer, *rpcError) {
	in := c.params.object("partnerInfo")
	c.params.flag("forceRemoveCustomColumnValuesInOldScope")
	id, given := in.id("Id")
	if !given {
		return answer{}, c.refuse("partnerInfo.Id is missing.")
	}
	old, refused := c.visible(id)
	if refused != nil {
		return answer{}, refused
	}
	changed := *old
	for name, target := range map[string]*string{
		"Name": &changed.Name, "Level": &changed.Level, "State": &changed.State,
		"ServiceType": &changed.ServiceType, "ExternalCode": &changed.ExternalCode,
	} {
		if in.has(name) {
			*target = in.text(name)
		}
	}
	if parent, given := in.id("ParentId"); given && parent != old.ParentID {
		changed.ParentID = parent
		if _, refused := c.visible(parent); refused != nil {
			return answer{}, refused
		}
	}
	if raw := in.take("Company"); raw != nil && json.Unmarshal(raw, &changed.Company) != nil {
		in.wrong("Company", "company data")
	}
	if err := c.params.rest(); err != nil {
		return answer{}, err
	}
	if err := c.putPartner(changed, c.now); err != nil {
		return answer{}, c.fail(ErrBadParams, "%v.", err)
	}
	return answer{void: true}, nil
}
