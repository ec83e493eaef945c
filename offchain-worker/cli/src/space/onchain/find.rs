//! Searching Spaces.

use weft_chain::{AccountId, spaces::Space};
use weft_primitives::{
    space::Category,
    space_view::{SpaceQuery, SpaceStatus},
};

use super::{
    shown::{named, price_of, rating, status, text},
    words::category,
};
use crate::{
    failure::Failure,
    node::{NodeArgs, account},
    output,
};

/// What to look for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of this category: chat, search, vision, writing, code, data, games, tools or other.
    #[arg(long, value_parser = category)]
    category: Option<Category>,
    /// Of this owner, retired ones and those taken down included.
    #[arg(long, value_parser = account)]
    owner: Option<AccountId>,
    /// Rated with at least so many stars.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=5))]
    min_rating: u8,
    /// Featured ones.
    #[arg(long)]
    featured: bool,
    /// Position of the first one, from the `next` of an earlier page.
    #[arg(long, default_value_t = 0)]
    from: u64,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let query = SpaceQuery {
            category: self.category,
            owner: self.owner,
            min_rating: self.min_rating,
            featured: self.featured,
        };
        let page = self.node.connect().await?.spaces().spaces(query, self.from).await?;
        if self.json {
            return output::json(&page);
        }
        let rows = page.items.iter().map(row).collect();
        let head = ["SPACE", "TITLE", "VERSION", "CATEGORY", "PRICE", "RATING", "OWNER"];
        output::table(&head, rows, "no Spaces")?;
        match page.next {
            Some(next) => output::line(format_args!("more: --from {next}")),
            None => Ok(()),
        }
    }
}

fn row(space: &Space) -> Vec<String> {
    let title = text(&space.title);
    vec![
        space.id.to_string(),
        match space.status {
            SpaceStatus::Listed if space.featured => format!("{title} *"),
            SpaceStatus::Listed => title,
            _ => format!("{title} ({})", status(space)),
        },
        text(&space.latest.version),
        named(&space.category),
        price_of(space).to_string(),
        rating(space),
        space.owner.to_string(),
    ]
}
