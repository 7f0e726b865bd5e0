"""Files of any kind as rows."""
