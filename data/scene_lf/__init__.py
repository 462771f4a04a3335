"""Scenes seen by a camera on a rail (Kim et al. 2013), one row of views."""
