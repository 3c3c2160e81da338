"""People and how they prove who they are."""

from waardhaven.application.identity.api_keys import CreateApiKey, RevokeApiKey
from waardhaven.application.identity.change_password import ChangePassword
from waardhaven.application.identity.end_sessions import EndSessions, LogoutUser
from waardhaven.application.identity.ensure_administrator import EnsureAdministrator
from waardhaven.application.identity.federated import LinkIdentity, ProveOwner, SignInWithIdentity
from waardhaven.application.identity.login_user import LoginUser
from waardhaven.application.identity.mails import Mails
from waardhaven.application.identity.manage_users import CreateUser, EraseUser, FindUser, ManageUser
from waardhaven.application.identity.owner import Owner
from waardhaven.application.identity.queries import ListApiKeys, ListSessions, ListUsers, ViewMe, ViewUser
from waardhaven.application.identity.refresh_session import RefreshSession
from waardhaven.application.identity.register_user import RegisterUser
from waardhaven.application.identity.reset_password import RequestPasswordReset, ResetPassword
from waardhaven.application.identity.send_mails import SendMails
from waardhaven.application.identity.signing_in import SigningIn
from waardhaven.application.identity.update_me import CloseAccount, UpdateMe
from waardhaven.application.identity.verify_email import VerifyEmail

__all__ = ["SERVICES", "USE_CASES"]

SERVICES = (Mails, Owner, SigningIn)
"""What several use cases share."""
USE_CASES = (
    ChangePassword,
    CloseAccount,
    CreateApiKey,
    CreateUser,
    EndSessions,
    EnsureAdministrator,
    EraseUser,
    FindUser,
    LinkIdentity,
    ListApiKeys,
    ListSessions,
    ListUsers,
    LoginUser,
    LogoutUser,
    ManageUser,
    ProveOwner,
    RefreshSession,
    RegisterUser,
    RequestPasswordReset,
    ResetPassword,
    RevokeApiKey,
    SendMails,
    SignInWithIdentity,
    UpdateMe,
    VerifyEmail,
    ViewMe,
    ViewUser,
)
