"""Laws of single calls: shapes, dtypes and values of what goes in and comes out. One file per law."""
