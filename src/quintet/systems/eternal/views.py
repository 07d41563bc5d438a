"""What each engine is shown of a day: of everything the portfolio knows, only what its own rules ask for."""

from quintet.systems.eternal.config import CORE, FUNDING, TACTICAL
from quintet.systems.eternal.core_hodl import CoreView
from quintet.systems.eternal.funding import FundingAsset, FundingView
from quintet.systems.eternal.portfolio import Day, Portfolio
from quintet.systems.eternal.risk import may_enter
from quintet.systems.eternal.tactical import TacticalView
from quintet.systems.eternal.trend import TrendView


def of_core(portfolio: Portfolio, day: Day) -> CoreView:
    """The day of CORE."""
    seen = day.accounts[CORE]
    coins = day.accounts[TACTICAL].quotes if TACTICAL in day.accounts else {}
    return CoreView(
        day=day.day,
        quotes=seen.quotes,
        cash=seen.cash,
        portfolio=sum(account.equity for account in day.accounts.values()),
        tactical={asset: quote.value for asset, quote in coins.items()},
        drawdowns={asset: picture.drawdown for asset, picture in day.pictures.items() if asset in seen.quotes},
        volatility=day.pictures["BTC"].volatility if "BTC" in day.pictures else None,
        eth_yield_frac=day.eth_yield_frac,
        earn_lots=day.earn_lots,
        withdrawals_open=day.withdrawals_open,
        release=portfolio.release.get(CORE, 0),
    )


def of_trend(portfolio: Portfolio, day: Day, account: str) -> TrendView:
    """The day of one of TREND's sub-accounts."""
    seen = day.accounts[account]
    return TrendView(
        day=day.day,
        equity=seen.equity,
        quotes=seen.quotes,
        pictures=day.trend_pictures.get(account, {}),
        rates=day.rates,
        correlation=day.correlation,
        may_enter=may_enter(portfolio.risk, account),
        release=portfolio.release.get(account, 0),
    )


def of_funding(portfolio: Portfolio, day: Day) -> FundingView:
    """A wake of FUNDING: at a daily cycle, and at every settlement between two."""
    seen = day.accounts[FUNDING]
    assets = {name: _pair(name, day) for name in seen.quotes if not name.endswith("-PERP")}
    return FundingView(
        now_ns=day.now_ns,
        equity=seen.equity,
        cash=seen.cash,
        assets=assets,
        insurance_alarm=day.insurance_alarm,
        may_enter=may_enter(portfolio.risk, FUNDING),
        release=portfolio.release.get(FUNDING, 0),
    )


def _pair(name: str, day: Day) -> FundingAsset:
    quotes, perpetual = day.accounts[FUNDING].quotes, f"{name}-PERP"
    return FundingAsset(
        spot=quotes[name],
        perpetual=quotes.get(perpetual),
        settled_e9=day.settled.get(perpetual),
        predicted_e9=day.predicted.get(perpetual),
        received=day.funding_received.get(perpetual, 0),
        refused=day.refused.get(perpetual, False) or day.refused.get(name, False),
    )


def of_tactical(portfolio: Portfolio, day: Day) -> TacticalView:
    """The day of TACTICAL; without a price of Bitcoin it cannot be told."""
    seen, picture = day.accounts[TACTICAL], day.pictures["BTC"]
    return TacticalView(
        day=day.day,
        quotes=seen.quotes,
        cash=seen.cash,
        btc_high=day.btc_high,
        btc_close=picture.close,
        fear_greed=day.fear_greed,
        rates=day.rates.get("BTC-PERP", ()),
        has_rates="BTC-PERP" in day.rates,
        volatility_index=day.volatility_index,
        volatility=picture.volatility,
        inflow=portfolio.inflow.get(TACTICAL, 0),
        refused=day.refused.get(TACTICAL, False),
    )
