"""People and how they prove who they are."""

from waardhaven.application.identity.ensure_administrator import EnsureAdministrator
from waardhaven.application.identity.login_user import LoginUser
from waardhaven.application.identity.queries import ViewMe
from waardhaven.application.identity.register_user import RegisterUser

__all__ = ["USE_CASES"]

USE_CASES = (RegisterUser, LoginUser, EnsureAdministrator, ViewMe)
