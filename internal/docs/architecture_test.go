package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const architecture = "docs/architecture.md"

var (
	// goFile is a source file as documents name it.
	goFile = regexp.MustCompile("`((?:cmd|internal|scripts|deploy)/[a-z0-9_/.-]+\\.go)`")
	// inFile is a file followed by what it declares: `a/b.go`: `F`, `T.M`
	inFile   = regexp.MustCompile("`([a-z0-9_/.-]+\\.go)`: ((?:`[\\w.]+`(?:, )?)+)")
	declName = regexp.MustCompile("`([\\w.]+)`")
	// packageRow is a row of the table of packages.
	packageRow  = regexp.MustCompile("(?m)^\\| ((?:`(?:cmd|internal|scripts|deploy)/[a-z0-9/-]+`(?:, )?)+) \\|")
	packageName = regexp.MustCompile("`([a-z0-9/-]+)`")
)

// declarations are the functions, methods ("Type.Method") and types of a file.
func declarations(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var names []string
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = receiver(d.Recv.List[0].Type) + "." + name
			}
			names = append(names, name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if typ, ok := spec.(*ast.TypeSpec); ok {
					names = append(names, typ.Name.Name)
				}
			}
		}
	}
	return names
}

// receiver is the name of a method's type, without pointer and type parameters.
func receiver(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

func TestSourceFilesInTheDocumentsExist(t *testing.T) {
	t.Parallel()
	for _, doc := range documents(t) {
		for _, m := range goFile.FindAllStringSubmatch(read(t, doc), -1) {
			_, err := os.Stat(filepath.Join(root, m[1]))
			require.NoError(t, err, "%s names %s", doc, m[1])
		}
	}
}

// The ways of an event and of a webhook name the file and the functions of each
// of their steps.
func TestWaysOfEventAndWebhookNameWhatThereIs(t *testing.T) {
	t.Parallel()
	text := read(t, architecture)
	for _, title := range []string{"## The way of one event\n", "## The way of one webhook\n"} {
		_, way, found := strings.Cut(text, title)
		require.True(t, found, title)
		way, _, _ = strings.Cut(way, "\n## ")
		named := inFile.FindAllStringSubmatch(way, -1)
		require.GreaterOrEqual(t, len(named), 7, title)
		for _, m := range named {
			have := declarations(t, m[1])
			for _, name := range declName.FindAllStringSubmatch(m[2], -1) {
				require.Contains(t, have, name[1], "%s names it in %s", architecture, m[1])
			}
		}
	}
}

func TestTableOfPackagesIsTheTree(t *testing.T) {
	t.Parallel()
	var inTable, inTree []string
	for _, m := range packageRow.FindAllStringSubmatch(read(t, architecture), -1) {
		for _, name := range packageName.FindAllStringSubmatch(m[1], -1) {
			inTable = append(inTable, name[1])
		}
	}
	for _, dir := range []string{"cmd", "internal", "scripts", "deploy"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "testdata" {
				return fs.SkipDir
			}
			if err != nil || filepath.Ext(path) != ".go" {
				return err
			}
			pkg, err := filepath.Rel(root, filepath.Dir(path))
			inTree = append(inTree, filepath.ToSlash(pkg))
			return err
		}))
	}
	slices.Sort(inTree)
	require.ElementsMatch(t, slices.Compact(inTree), inTable)
}
