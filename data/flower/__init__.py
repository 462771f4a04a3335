"""Lytro Illum photographs of flowers (Srinivasan et al. 2017)."""
