package fakejira

import (
	"fmt"
	"slices"
	"strings"
)

// RenameProject gives a project another key, as an administrator does: its id
// stays, its issues get new keys without an entry in their changelogs, no webhook
// is sent, and the old keys go on leading to it until another project takes them.
func (s *Server) RenameProject(key, newKey string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.world.project(key)
	taken := slices.ContainsFunc(s.world.projects, func(other *Project) bool { return other.Key == newKey })
	if p == nil || taken {
		return fmt.Errorf("rename project %q to %q: no such project, or the key is taken", key, newKey)
	}
	old := p.Key
	p.Key = newKey
	p.FormerKeys = append(p.FormerKeys, old)
	for _, r := range s.order {
		for _, v := range r.versions {
			if v.issue.Project != old {
				continue
			}
			renamed := *v.issue
			renamed.Project = newKey
			renamed.Key = newKey + strings.TrimPrefix(renamed.Key, old)
			s.byKey[renamed.Key] = renamed.number()
			v.issue = &renamed
		}
	}
	return nil
}
