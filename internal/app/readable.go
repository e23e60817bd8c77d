package app

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"teleport-jira/internal/config"
)

// files are what the daemon reads: the configuration and all that it names.
func (o CheckOptions) files(cfg *config.Config) []string {
	t := cfg.Teleport
	all := append(cfg.SecretFiles(), o.ConfigPath, t.Identity, t.ClientKey, t.ClientCrt, t.RootCAs, t.CAFile, cfg.Jira.CAFile)
	if cfg.HTTP.Enabled {
		all = append(all, cfg.HTTP.HTTPSKeyFile, cfg.HTTP.HTTPSCertFile, cfg.HTTP.TLS.ClientCAFile)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(path string) bool { return path == "" })
}

// unreadableFor returns those of the files that a user may not read, by owner and
// mode of the file and of the directories above it. What is not there is not among
// them: others report it.
func unreadableFor(name string, files []string) ([]string, error) {
	account, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	groups, err := account.GroupIds()
	if err != nil {
		return nil, err
	}
	who := reader{id: account.Uid, groups: append(groups, account.Gid)}
	return slices.DeleteFunc(slices.Clone(files), who.reads), nil
}

// reader is a user, by the ids of user and groups.
type reader struct {
	id     string
	groups []string
}

// reads reports whether the user may read the file, as far as it is there.
func (r reader) reads(path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return true
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	const read, search = 4, 1
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if !r.may(dir, search) {
			return false
		}
		if dir == filepath.Dir(dir) {
			return r.may(path, read)
		}
	}
}

// may reports whether the mode allows it.
func (r reader) may(path string, right fs.FileMode) bool {
	info, err := os.Stat(path)
	if err != nil {
		return true
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if !known || r.id == "0" {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case strconv.FormatUint(uint64(owner.Uid), 10) == r.id:
		mode >>= 6
	case slices.Contains(r.groups, strconv.FormatUint(uint64(owner.Gid), 10)):
		mode >>= 3
	}
	return mode&right != 0
}
