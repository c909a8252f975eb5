package recipes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// UpgradesFile holds the upgrades of a release's components, by component; a
// release that records none does not have it.
const UpgradesFile = "upgrades.json"

// Upgrades is what the catalogue records of a component's versions.
type Upgrades struct {
	// Replaces names components of older releases, sorted.
	Replaces []string  `json:"replaces,omitempty"`
	Records  []Upgrade `json:"records,omitempty"`
}

// Upgrade is one record: what moving from some versions to others takes.
type Upgrade struct {
	From         string   `json:"from"` // an expression, as in constraints
	To           string   `json:"to"`
	Verdict      string   `json:"verdict"` // safe, manual or blocked
	What         string   `json:"what"`
	Steps        []string `json:"steps,omitempty"`
	Irreversible bool     `json:"irreversible,omitempty"`
}

// Upgrades reads what is recorded, by component.
func (c *Catalog) Upgrades() (map[string]Upgrades, error) {
	data, err := fs.ReadFile(c.files, UpgradesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out map[string]Upgrades
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue's upgrades: %w", err)
	}
	return out, nil
}
