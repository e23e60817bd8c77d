package app

import (
	"io"

	"teleport-jira/internal/access"
	"teleport-jira/internal/config"
	"teleport-jira/internal/teleport"
)

// SetupTeleport writes what Teleport has to have for the configuration in the file
// path, which need be complete only where it concerns Teleport. A mode that is not
// empty takes the place of the configuration's review.mode.
func SetupTeleport(w io.Writer, path, mode string) error {
	c, err := config.LoadForTeleport(path)
	if err != nil {
		return err
	}
	t, flags := teleportConfig(c), ""
	if mode != "" {
		flags = " --mode " + mode
		t.ReviewMode = access.ReviewMode(mode)
	}
	return teleport.WriteSetup(w, t, path, flags)
}
