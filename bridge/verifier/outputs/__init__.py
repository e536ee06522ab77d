"""One form of output a file, each made from a `report.Report`."""
