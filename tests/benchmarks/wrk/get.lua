-- GET the URL's own path, always the same.
require("report")
