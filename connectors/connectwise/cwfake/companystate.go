package cwfake

// Companies returns all companies with their sites by ascending id, deleted ones too, for a judge to look at.
func (s *Server) Companies() []Company {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Company
	for _, r := range s.data.tables[companyResource].rows {
		c := Company{ID: r.id, Identifier: r.text("identifier"), Name: r.text("name"), Deleted: r.flag("deletedFlag")}
		if status := s.data.linked(r, "status"); status != nil {
			c.Status = status.text("name")
		}
		for _, site := range s.data.tables[siteResource].of(r.id) {
			c.Sites = append(c.Sites, Site{ID: site.id, Name: site.text("name"), Primary: site.flag("primaryAddressFlag")})
		}
		all = append(all, c)
	}
	return all
}
