package fakejira

import (
	"slices"
	"time"
)

// Age makes all that happened to an issue so far have happened earlier: its
// creation, its changes and its comments.
func (s *Server) Age(issue string, by time.Duration) error {
	return s.act("age", issue, BotID, BrowseProjects, func(iss *Issue, _ *Account, at time.Time) error {
		s.edit(iss, "", at, nil, func(i *Issue) {
			i.Created, i.Updated, i.StatusSince = i.Created.Add(-by), iss.Updated.Add(-by), i.StatusSince.Add(-by)
			i.Changelog, i.Comments = slices.Clone(i.Changelog), slices.Clone(i.Comments)
			for n := range i.Changelog {
				i.Changelog[n].At = i.Changelog[n].At.Add(-by)
			}
			for n := range i.Comments {
				i.Comments[n].Created = i.Comments[n].Created.Add(-by)
			}
		})
		return nil
	})
}
